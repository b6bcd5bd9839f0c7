// What every search is asked with: a page, an order, a query. Whoever asks sees what is of workflows that he may read, and
// nothing else is counted.
import { z } from 'zod';
import type { Principal } from '../../../access/access.ts';
import { FOUND_MAX, type Page, type SearchOrder } from '../../../store/reads.ts';
import { validationError } from '../../body.ts';
import { permission } from '../../permission.ts';
import { textQuery, wholeQuery } from '../../query.ts';
import type { HttpRequest } from '../../route.ts';
import type { RouteDeps } from './deps.ts';

export const SUMMARIES_MAX = 1000;
/** Of what comes with its data. */
export const WHOLE_MAX = 100;
/** Of names that runs have: whose permissions cover only some of more must say which. */
const NAMES_MAX = 1000;

export const searchParameters = {
  start: z.int().optional(),
  size: z.int().optional(),
  sort: z.string().optional(),
  freeText: z.string().optional(),
  query: z.string().optional(),
};

/** Of workflows; null for any. */
interface Named {
  readonly names: readonly string[] | null;
}

interface Sought {
  /** The field to sort by; `startTime`, as clients say for all, means it too. */
  readonly sort?: string;
  /** Names of workflows beside those that runs have. */
  readonly names?: () => Promise<readonly string[]>;
}

/** What the store is asked: `filterOf` reads the query. Throws AppError invalid_request. */
export async function searchRequest<Filter extends Named>(
  deps: RouteDeps,
  request: HttpRequest,
  sizeMax: number,
  filterOf: (query: string | null, freeText: string | null) => Filter,
  { sort = 'startTime', names: more = async () => [] }: Sought = {},
): Promise<[Filter, SearchOrder, Page]> {
  const page = pageOf(request, sizeMax, sort);
  const order = orderOf(request, sort);
  const filter = filterOf(textQuery(request, 'query'), textQuery(request, 'freeText'));
  const names = await readableNames(deps, request.principal, filter, more);
  return [{ ...filter, names }, order, page];
}

/** Throws AppError invalid_request. */
export function pageOf(request: HttpRequest, sizeMax: number, narrowBy: string): Page {
  const start = wholeQuery(request, 'start', 0);
  const count = wholeQuery(request, 'size', 100, { max: sizeMax });
  if (start + count <= FOUND_MAX) return { start, count };
  const message = `start and size together must be at most ${FOUND_MAX}: narrow the query, by ${narrowBy} for instance`;
  throw validationError([{ path: 'start', message, invalidValue: String(start) }]);
}

export function foundText(total: number, texts: readonly string[]): string {
  return `{"totalHits":${total},"results":[${texts.join(',')}]}`;
}

/** `startTime:DESC`, as clients spell it. Throws AppError invalid_request. */
function orderOf(request: HttpRequest, field: string): SearchOrder {
  const sort = textQuery(request, 'sort') ?? `${field}:DESC`;
  const [name, direction = 'ASC', ...more] = sort.split(':');
  const isField = [field, 'startTime'].some((known) => known.toLowerCase() === name?.toLowerCase());
  if (isField && /^(ASC|DESC)$/i.test(direction) && more.length === 0) {
    return direction.toUpperCase() === 'DESC' ? 'newest' : 'oldest';
  }
  const message = `must be ${field}:ASC or ${field}:DESC`;
  throw validationError([{ path: 'sort', message, invalidValue: sort.slice(0, 200) }]);
}

/** Names that the search may find, or null for any. Throws AppError invalid_request. */
async function readableNames(
  { access, reads }: RouteDeps,
  principal: Principal,
  { names }: Named,
  more: () => Promise<readonly string[]>,
) {
  const mayRead = (name: string) => access.allows(principal, permission('workflow', name, 'read'));
  if (mayRead('*')) return names;
  const known = names ?? [...new Set([...(await reads.runNames(NAMES_MAX + 1)), ...(await more())])];
  if (known.length > NAMES_MAX) {
    const message = `must say which workflows, with workflowType: you may read only some, and there are more than ${NAMES_MAX}`;
    throw validationError([{ path: 'query', message, invalidValue: '' }]);
  }
  return known.filter(mayRead);
}
