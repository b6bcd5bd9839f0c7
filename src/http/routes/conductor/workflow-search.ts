// Executions that a query finds, newest first. Whoever asks sees those of workflows that he may read, and no others are
// counted. A summary holds no data of the execution; whoever wants that reads histories, which is noted.
import { z } from 'zod';
import type { Principal } from '../../../access/access.ts';
import { type Page, RUNS_FOUND_MAX, type RunOrder } from '../../../store/port.ts';
import { validationError } from '../../body.ts';
import { permission } from '../../permission.ts';
import { textQuery, wholeQuery } from '../../query.ts';
import { type HttpRequest, jsonText, type Route } from '../../route.ts';
import { runSummarySchema, runSummaryText } from '../../wire/run-summary.ts';
import type { RouteDeps } from './deps.ts';
import { searchFilter } from './search-query.ts';

const SUMMARIES_MAX = 1000;
/** They come with their data. */
const RUNS_MAX = 100;
/** Of names that runs have: whose permissions cover only some of more must say which. */
const NAMES_MAX = 1000;

const queryParameters = {
  start: z.int().optional(),
  size: z.int().optional(),
  sort: z.string().optional(),
  freeText: z.string().optional(),
  query: z.string().optional(),
};

export function workflowSearchRoutes(deps: RouteDeps): Route[] {
  return [searchSummaries(deps), searchRuns(deps)];
}

function searchSummaries(deps: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/workflow/search',
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Search executions of workflows that the caller may read; summaries without data',
    queryParameters,
    reply: {
      contentType: 'application/json',
      schema: z.object({ totalHits: z.int(), results: z.array(runSummarySchema) }),
    },
    async handle(request) {
      const { total, runs } = await find(deps, request, SUMMARIES_MAX);
      return jsonText(resultText(total, runs.map(runSummaryText)));
    },
  };
}

function searchRuns(deps: RouteDeps): Route {
  const path = '/api/workflow/search-v2';
  return {
    method: 'GET',
    path,
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Search executions of workflows that the caller may read; whole but for their tasks',
    queryParameters,
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { reads, renderer, recordRead } = deps;
      const { total, runs } = await find(deps, request, RUNS_MAX);
      await Promise.all(runs.map(({ id }) => recordRead(request.principal.id, id, `GET ${path}`)));
      const texts: string[] = [];
      for (const { id } of runs) {
        const loaded = await reads.run(id, false);
        if (loaded) texts.push(await renderer.run(loaded));
      }
      return jsonText(resultText(total, texts));
    },
  };
}

function resultText(total: number, texts: readonly string[]): string {
  return `{"totalHits":${total},"results":[${texts.join(',')}]}`;
}

async function find(deps: RouteDeps, request: HttpRequest, sizeMax: number) {
  const page = pageOf(request, sizeMax);
  const order = orderOf(request);
  const filter = searchFilter(textQuery(request, 'query'), textQuery(request, 'freeText'));
  const names = await readableNames(deps, request.principal, filter.names);
  if (names?.length === 0) return { total: 0, runs: [] };
  return deps.reads.searchRuns({ ...filter, names }, order, page);
}

/** Throws AppError invalid_request. */
export function pageOf(request: HttpRequest, sizeMax: number): Page {
  const start = wholeQuery(request, 'start', 0);
  const count = wholeQuery(request, 'size', 100, { max: sizeMax });
  if (start + count <= RUNS_FOUND_MAX) return { start, count };
  const message = `start and size together must be at most ${RUNS_FOUND_MAX}: narrow the query, by startTime for instance`;
  throw validationError([{ path: 'start', message, invalidValue: String(start) }]);
}

/** `startTime:DESC`, as clients spell it. Throws AppError invalid_request. */
export function orderOf(request: HttpRequest, field = 'startTime'): RunOrder {
  const sort = textQuery(request, 'sort') ?? `${field}:DESC`;
  const [name, direction = 'ASC', ...more] = sort.split(':');
  const isKnown = /^(ASC|DESC)$/i.test(direction) && more.length === 0;
  if (isKnown && name?.toLowerCase() === field.toLowerCase()) {
    return direction.toUpperCase() === 'DESC' ? 'newest' : 'oldest';
  }
  const message = `must be ${field}:ASC or ${field}:DESC`;
  throw validationError([{ path: 'sort', message, invalidValue: sort.slice(0, 200) }]);
}

/** Names of workflows that a search may find, or null for any. Throws AppError invalid_request. */
export async function readableNames(
  { access, reads }: RouteDeps,
  principal: Principal,
  names: readonly string[] | null,
  /** Beside those that runs have. */
  more: () => Promise<readonly string[]> = async () => [],
): Promise<readonly string[] | null> {
  const mayRead = (name: string) => access.allows(principal, permission('workflow', name, 'read'));
  if (mayRead('*')) return names;
  const known = names ?? [...new Set([...(await reads.runNames(NAMES_MAX + 1)), ...(await more())])];
  if (known.length > NAMES_MAX) {
    const message = `must say which workflows, with workflowType: you may read only some, and there are more than ${NAMES_MAX}`;
    throw validationError([{ path: 'query', message, invalidValue: '' }]);
  }
  return known.filter(mayRead);
}
