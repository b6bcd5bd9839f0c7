// `allowed_endpoints`, compiled: "POST /v1/payment_intents" with `*` or `{id}` segments, "resource.verb" (also
// "resource.*"), a bare path for every method, or "*". Owns what a rule matches; must never let a method through by default.

export interface EndpointCall {
  /** HEAD is asked as GET. */
  readonly method: string;
  /** Canonical path, with its leading slash. */
  readonly path: string;
  /** `payment_intents.create`. */
  readonly operation: string;
}

export type EndpointRule = (call: EndpointCall) => boolean;

const METHOD_AND_PATH = /^(?:([A-Za-z]+)\s+)?(\/\S*)$/;
const OPERATION = /^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*\.(?:[a-z0-9_]+|\*)$/;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', '*']);

/** Undefined when the text is none of the notations. */
export function parseEndpoint(notation: string): EndpointRule | undefined {
  const text = notation.trim();
  if (text === '*') return () => true;
  const path = METHOD_AND_PATH.exec(text);
  if (path) return pathRule(path[1]?.toUpperCase() ?? '*', path[2] ?? '');
  if (!OPERATION.test(text)) return undefined;
  if (!text.endsWith('.*')) return (call) => call.operation === text;
  const resource = text.slice(0, -1);
  return (call) => call.operation.startsWith(resource);
}

/** A call is allowed when any rule matches; no rules allow nothing. Notations that do not parse match nothing. */
export function endpointRules(notations: readonly string[]): EndpointRule {
  const rules = notations.map(parseEndpoint).filter((rule) => rule !== undefined);
  return (call) => rules.some((rule) => rule(call));
}

function pathRule(method: string, path: string): EndpointRule | undefined {
  if (!METHODS.has(method)) return undefined;
  const wanted = method === 'HEAD' ? 'GET' : method;
  const pattern = path.split('/');
  const plain = !pattern.some(isWild);
  return (call) => {
    if (wanted !== '*' && wanted !== call.method) return false;
    return plain ? call.path === path : matches(pattern, call.path.split('/'));
  };
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.length === segments.length && pattern.every((part, i) => isWild(part) || part === segments[i]);
}

function isWild(part: string): boolean {
  return part === '*' || /^\{\w+\}$/.test(part);
}
