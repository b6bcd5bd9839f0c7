// Form bodies and queries with bracket keys, parsed strictly and written again canonically: what the vault priced is what
// the vendor reads. Refuses duplicates, array confusion and broken escapes; must never guess.
import { Refusal } from './refusal.ts';

const PAIRS_MAX = 1000;
const DEPTH_MAX = 10;
const KEY = /^([A-Za-z_][A-Za-z0-9_.:-]*)((?:\[[^[\]]*\])*)$/;
const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_.:-]*$/;
/** What encodeURIComponent leaves as it is. */
const UNRESERVED = /^[A-Za-z0-9_.!~*'()-]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is looked for, to be refused.
const NOT_PLAIN = /[%+\u0000]/;

export interface Form {
  /** The scalar at a top-level key; undefined when it is absent or not a scalar. */
  get(key: string): string | undefined;
  has(key: string): boolean;
  /** Re-serialised, in the order sent. */
  readonly canonical: string;
}

const LIST = Symbol('list');
const OBJECT = Symbol('object');

/** What a name is: the text of a scalar, a list, or an object. */
type Node = string | typeof LIST | typeof OBJECT;

/** `where` names the part in messages ("body", "query"). Throws Refusal malformed_request. */
export function readForm(text: string, where: string): Form {
  const nodes = new Map<string, Node>();
  let canonical = '';
  const parts = text === '' ? [] : text.split('&');
  if (parts.length > PAIRS_MAX) throw malformed(where, `more than ${PAIRS_MAX} parameters`);
  for (const part of parts) {
    const at = part.indexOf('=');
    if (at < 1) throw malformed(where, 'a parameter without a name or without "="');
    const key = decode(part.slice(0, at), where);
    // Most names have no brackets.
    const path = PLAIN_KEY.test(key) ? undefined : readKey(key, where);
    const value = decode(part.slice(at + 1), where);
    if (path) note(nodes, path, value, where);
    else noteNode(nodes, key, value, false, where);
    if ((path ? path[0] : key) === '_method') throw malformed(where, 'a method override; use the method itself');
    canonical += `${canonical === '' ? '' : '&'}${path ? writeKey(path) : key}=${encode(value)}`;
  }
  return {
    get: (key) => {
      const node = nodes.get(key);
      return typeof node === 'string' ? node : undefined;
    },
    has: (key) => nodes.has(key),
    canonical,
  };
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
function note(nodes: Map<string, Node>, path: readonly string[], value: string, where: string): void {
  let name = '';
  for (let i = 0; i < path.length; i += 1) {
    const part = path[i] ?? '';
    name = i === 0 ? part : `${name}[${part}]`;
    const next = path[i + 1];
    noteNode(nodes, name, next === undefined ? value : next === '' ? LIST : OBJECT, part === '', where);
  }
}

function noteNode(nodes: Map<string, Node>, name: string, node: Node, mayRepeat: boolean, where: string): void {
  const known = nodes.get(name);
  if (known === undefined) nodes.set(name, node);
  else if (typeof known !== typeof node || (typeof node !== 'string' && known !== node)) {
    throw malformed(where, `the parameter ${printable(name)} in two shapes`);
  } else if (typeof node === 'string' && !mayRepeat) {
    throw malformed(where, `the parameter ${printable(name)} twice`);
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

function encode(value: string): string {
  return UNRESERVED.test(value) ? value : encodeURIComponent(value);
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
