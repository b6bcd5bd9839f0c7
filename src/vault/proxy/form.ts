// Form bodies and queries with bracket keys, parsed strictly and written again canonically: what the vault priced is what
// the vendor reads. Refuses duplicates, array confusion and broken escapes; must never guess.
import { Refusal } from './refusal.ts';

const PAIRS_MAX = 1000;
const DEPTH_MAX = 10;
const KEY = /^([A-Za-z_][A-Za-z0-9_.:-]*)((?:\[[^[\]]*\])*)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is looked for, to be refused.
const NOT_PLAIN = /[%+\u0000]/;

export interface Form {
  /** The scalar at a top-level key; undefined when it is absent or not a scalar. */
  get(key: string): string | undefined;
  has(key: string): boolean;
  /** Re-serialised, in the order sent. */
  readonly canonical: string;
}

type Shape = 'scalar' | 'list' | 'object';

/** `where` names the part in messages ("body", "query"). Throws Refusal malformed_request. */
export function readForm(text: string, where: string): Form {
  const scalars = new Map<string, string>();
  const shapes = new Map<string, Shape>();
  const roots = new Set<string>();
  const pairs: string[] = [];
  if (text !== '') {
    const parts = text.split('&');
    if (parts.length > PAIRS_MAX) throw malformed(where, `more than ${PAIRS_MAX} parameters`);
    for (const part of parts) {
      const at = part.indexOf('=');
      if (at < 1) throw malformed(where, 'a parameter without a name or without "="');
      const path = readKey(decode(part.slice(0, at), where), where);
      const value = decode(part.slice(at + 1), where);
      note(shapes, path, where);
      const root = path[0] ?? '';
      if (root === '_method') throw malformed(where, 'a method override; use the method itself');
      roots.add(root);
      if (path.length === 1) scalars.set(root, value);
      pairs.push(`${writeKey(path)}=${encodeURIComponent(value)}`);
    }
  }
  return { get: (key) => scalars.get(key), has: (key) => roots.has(key), canonical: pairs.join('&') };
}

/** `a[b][]` to ["a", "b", ""]. */
function readKey(key: string, where: string): string[] {
  const match = KEY.exec(key);
  if (!match) throw malformed(where, 'a parameter name that is not like name[part]');
  const brackets = match[2] ?? '';
  const path = [match[1] ?? '', ...(brackets === '' ? [] : brackets.slice(1, -1).split(']['))];
  if (path.length > DEPTH_MAX) throw malformed(where, 'a parameter that is nested too deeply');
  return path;
}

/** Every node is one thing: a scalar once, a list, or an object (`a[0]` counts as one). Two readings are refused. */
function note(shapes: Map<string, Shape>, path: readonly string[], where: string): void {
  let node = '';
  for (let i = 0; i < path.length; i += 1) {
    const part = path[i] ?? '';
    node = i === 0 ? part : `${node}[${part}]`;
    const next = path[i + 1];
    const shape: Shape = next === undefined ? 'scalar' : next === '' ? 'list' : 'object';
    const known = shapes.get(node);
    if (known === undefined) shapes.set(node, shape);
    else if (known !== shape) throw malformed(where, `the parameter ${printable(node)} in two shapes`);
    else if (shape === 'scalar' && part !== '') throw malformed(where, `the parameter ${printable(node)} twice`);
  }
}

function decode(text: string, where: string): string {
  if (!NOT_PLAIN.test(text)) return text;
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw malformed(where, 'a broken %-escape or bytes that are not UTF-8');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL ends a string for some readers and not for others.
  if (/\u0000/.test(decoded)) throw malformed(where, 'a NUL character');
  return decoded;
}

function writeKey([root, ...rest]: readonly string[]): string {
  return (root ?? '') + rest.map((part) => `[${encodeURIComponent(part)}]`).join('');
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

function malformed(where: string, what: string): Refusal {
  return new Refusal(
    'malformed_request',
    `malformed_request: the ${where} holds ${what}; send each parameter once, form-encoded.`,
  );
}
