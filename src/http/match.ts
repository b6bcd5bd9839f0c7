// Finds the route of a path: one matcher for every mount, so that Hono and node:http cannot disagree. A static
// segment beats a parameter, and a parameter a last `*`, at the first place where two routes differ. Must never look at
// headers or bodies, nor let another spelling of a static segment (`%61pi`) reach a different route.
import { AppError } from '../model/error.ts';
import type { Route } from './route.ts';

export interface Found {
  readonly route: Route;
  /** Decoded path parameters; what a `*` took is called `*`. */
  readonly params: Readonly<Record<string, string>>;
}

export interface Missed {
  readonly route: null;
  /** Methods that the path does answer; empty when nothing lives there. */
  readonly allow: readonly string[];
}

/**
 * `path` is undecoded and without query. HEAD finds the GET route where it has none of its own.
 * Throws AppError invalid_request when a parameter is not valid percent-encoding.
 */
export type Matcher = (method: string, path: string) => Found | Missed;

interface Entry {
  readonly route: Route;
  /** Parameter names in path order. */
  readonly names: readonly string[];
}

interface Node {
  readonly statics: Map<string, Node>;
  parameter: Node | null;
  rest: Node | null;
  readonly entries: Map<string, Entry>;
}

const NO_PARAMS: Readonly<Record<string, string>> = {};

/** Throws Error when two routes claim the same method and path. */
export function createMatcher(routes: readonly Route[]): Matcher {
  const root = newNode();
  // Static routes are the hottest (POST /api/tasks/update-v2): one map look-up, no splitting.
  const exact = new Map<string, Map<string, Entry>>();
  for (const route of routes) insert(root, exact, route);
  return (method, path) => {
    const fixed = exact.get(path);
    const hit = fixed && entryOf(fixed, method);
    if (hit) return { route: hit.route, params: NO_PARAMS };
    const segments = path.split('/');
    const allow = new Set<string>();
    const found = walk(root, segments, 1, [], method, allow);
    return found ?? { route: null, allow: [...allow] };
  };
}

function newNode(): Node {
  return { statics: new Map(), parameter: null, rest: null, entries: new Map() };
}

function insert(root: Node, exact: Map<string, Map<string, Entry>>, route: Route): void {
  const names: string[] = [];
  let node = root;
  const segments = route.path.split('/').slice(1);
  for (const [i, segment] of segments.entries()) {
    if (segment === '*') {
      if (i !== segments.length - 1) throw new Error(`A * must be the last segment: ${route.path}`);
      names.push('*');
      node.rest ??= newNode();
      node = node.rest;
    } else if (segment.startsWith(':')) {
      names.push(segment.slice(1));
      node.parameter ??= newNode();
      node = node.parameter;
    } else {
      const next = node.statics.get(segment) ?? newNode();
      node.statics.set(segment, next);
      node = next;
    }
  }
  if (node.entries.has(route.method)) throw new Error(`Two routes claim ${route.method} ${route.path}`);
  node.entries.set(route.method, { route, names });
  if (names.length === 0) exact.set(route.path, node.entries);
}

function walk(
  node: Node,
  segments: readonly string[],
  at: number,
  values: readonly string[],
  method: string,
  allow: Set<string>,
): Found | null {
  const segment = segments[at];
  if (segment === undefined) {
    const entry = entryOf(node.entries, method);
    if (entry) return { route: entry.route, params: parameters(entry.names, values) };
    for (const other of node.entries.keys()) allow.add(other);
    return null;
  }
  const fixed = node.statics.get(segment) ?? (segment.includes('%') ? node.statics.get(plain(segment)) : undefined);
  const found =
    (fixed ? walk(fixed, segments, at + 1, values, method, allow) : null) ??
    (node.parameter && segment !== ''
      ? walk(node.parameter, segments, at + 1, [...values, segment], method, allow)
      : null);
  if (found || !node.rest) return found;
  return walk(node.rest, segments, segments.length, [...values, segments.slice(at).join('/')], method, allow);
}

function entryOf(entries: ReadonlyMap<string, Entry>, method: string): Entry | undefined {
  return entries.get(method) ?? (method === 'HEAD' ? entries.get('GET') : undefined);
}

/** The segment without needless escapes; itself when it is not valid encoding (and then no static one). */
function plain(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function parameters(names: readonly string[], values: readonly string[]): Readonly<Record<string, string>> {
  const params: Record<string, string> = {};
  names.forEach((name, i) => {
    params[name] = decode(values[i] ?? '');
  });
  return params;
}

function decode(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AppError('invalid_request', 'The path is not valid percent-encoding. Encode it as UTF-8.');
  }
}
