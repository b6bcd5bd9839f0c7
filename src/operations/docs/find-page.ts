// Which page a request or a caller asks for. Reads the input only; whether such a page exists is the renderer's to say.
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { AgentError } from '../operation.ts';
import type { DocsAction, DocsConfig } from './docs-config.ts';
import { docsActionSchema } from './docs-config.ts';

export type PageRequest =
  | { readonly kind: 'landing' }
  | { readonly kind: 'openapi' }
  | { readonly kind: 'search-index' }
  | { readonly kind: 'pages' }
  | { readonly kind: 'agents' | 'ensembles' }
  | { readonly kind: 'page'; readonly slug: string }
  | { readonly kind: 'agent' | 'ensemble'; readonly name: string }
  | { readonly kind: 'api'; readonly group: string | null }
  | { readonly kind: 'search'; readonly words: string };

const SEARCH_CHARACTERS_MAX = 100;

/** `hasPage` tells whether the project has a page of its own at a slug: those come before ours. */
export function findPage(input: JsonValue, config: DocsConfig, hasPage: (slug: string) => boolean): PageRequest {
  const given = isJsonObject(input) ? input : {};
  const action = config.action ?? askedAction(given);
  if (action) return ofAction(action, given);
  const query = isJsonObject(given.query) ? given.query : {};
  const slug = slugOfPath(given, config.basePath);
  if (slug !== '') return ofSlug(slug, hasPage);
  if (typeof query.page === 'string') return ofSlug(query.page, hasPage);
  const words = typeof query.q === 'string' ? query.q.trim().slice(0, SEARCH_CHARACTERS_MAX) : '';
  return words ? { kind: 'search', words } : { kind: 'landing' };
}

function ofSlug(slug: string, hasPage: (slug: string) => boolean): PageRequest {
  if (hasPage(slug)) return { kind: 'page', slug };
  const [first = '', ...rest] = slug.split('/');
  const name = rest.join('/');
  if (slug === '') return { kind: 'landing' };
  if (first === 'agents') return name ? { kind: 'agent', name } : { kind: 'agents' };
  if (first === 'ensembles') return name ? { kind: 'ensemble', name } : { kind: 'ensembles' };
  if (first === 'api') return { kind: 'api', group: name || null };
  if (slug === 'openapi.json') return { kind: 'openapi' };
  if (slug === 'search.json') return { kind: 'search-index' };
  return { kind: 'page', slug };
}

function ofAction(action: DocsAction, input: JsonObject): PageRequest {
  const params = isJsonObject(input.params) ? input.params : {};
  const named = [input.name, input.slug, params.name, params.slug].find((value) => typeof value === 'string' && value);
  const name = typeof named === 'string' ? named : undefined;
  const needed = () => {
    if (name !== undefined) return name;
    throw new AgentError(`docs: ${action} needs \`slug\` or \`name\` in its input`, false);
  };
  switch (action) {
    case 'render-landing':
      return { kind: 'landing' };
    case 'render-page':
      return { kind: 'page', slug: needed() };
    case 'render-agents':
      return { kind: 'agents' };
    case 'render-agent-detail':
      return { kind: 'agent', name: needed() };
    case 'render-ensembles':
      return { kind: 'ensembles' };
    case 'render-ensemble-detail':
      return { kind: 'ensemble', name: needed() };
    case 'render-api':
      return { kind: 'api', group: name ?? null };
    case 'generate-openapi':
      return { kind: 'openapi' };
    case 'list-pages':
      return { kind: 'pages' };
  }
}

function askedAction(input: JsonObject): DocsAction | undefined {
  if (input.action === undefined || input.action === null) return undefined;
  const read = docsActionSchema.safeParse(input.action);
  if (read.success) return read.data;
  throw new AgentError(`docs: unknown action; there are ${docsActionSchema.options.join(', ')}`, false);
}

/** What the request's path has below `basePath`, decoded; else the slug that the route or the caller named. */
function slugOfPath(input: JsonObject, basePath: string): string {
  const prefix = basePath === '/' ? '/' : `${basePath}/`;
  if (typeof input.path === 'string' && `${input.path}/`.startsWith(prefix)) {
    return trimmed(input.path.slice(prefix.length).split('/').map(decoded).join('/'));
  }
  const params = isJsonObject(input.params) ? input.params : {};
  const slug = params.slug ?? input.slug;
  return typeof slug === 'string' ? trimmed(slug) : '';
}

const trimmed = (slug: string) => slug.replaceAll(/^\/+|\/+$/g, '');

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
