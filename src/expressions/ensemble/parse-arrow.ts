// Functions, which may stand only as the first argument of a method: `x => …`, `(x, i) => …`, or a bare `Boolean`.
// Owns their parameters; there is no other way to make a function, and none can be kept.
import { CALLBACKS } from './callbacks.ts';
import type { Parser } from './parser.ts';
import type { Arrow } from './syntax-tree.ts';

const CONVERSIONS: ReadonlySet<string> = new Set(['Boolean', 'Number', 'String']);

/** Null, with nothing taken, when no function begins here. The opening bracket of the call has been taken. */
export function parseArrow(parser: Parser, method: string): Arrow | null {
  const { token } = parser;
  if (token.kind === 'name') {
    if (parser.is('=>', 1)) {
      parser.advance();
      return body(parser, [token.text]);
    }
    if (CONVERSIONS.has(token.text) && CALLBACKS.has(method) && parser.is(')', 1)) return conversion(parser);
  }
  const names = parameters(parser);
  if (names === null) return null;
  for (let count = names.length * 2 + 1 + (names.length === 0 ? 1 : 0); count > 0; count -= 1) parser.advance();
  return body(parser, names);
}

function body(parser: Parser, names: readonly string[]): Arrow {
  if (new Set(names).size < names.length) throw parser.fail('Two parameters have the same name');
  parser.expect('=>', 'after the parameters');
  return parser.within(names, () => parser.expression());
}

/** `.filter(Boolean)` is `.filter(x => Boolean(x))`. */
function conversion(parser: Parser): Arrow {
  const { text: name, at } = parser.advance();
  return parser.within([''], ([slot]) => ({ kind: 'call', at, name, args: [{ kind: 'local', at, slot: slot ?? 0 }] }));
}

/** The names of `(a, b) =>`; nothing is taken. */
function parameters(parser: Parser): string[] | null {
  if (!parser.is('(')) return null;
  const names: string[] = [];
  let ahead = 1;
  while (parser.peek(ahead).kind === 'name') {
    names.push(parser.peek(ahead).text);
    if (!parser.is(',', ahead + 1)) {
      ahead += 1;
      break;
    }
    ahead += 2;
  }
  if (!parser.is(')', ahead) || !parser.is('=>', ahead + 1)) return rejected(parser);
  return names;
}

function rejected(parser: Parser): null {
  const unpacks = parser.is('[', 1) || parser.is('{', 1);
  if (!unpacks) return null;
  let ahead = 2;
  while (parser.peek(ahead).kind === 'name' || parser.is(',', ahead)) ahead += 1;
  const closes = parser.is(']', ahead) || parser.is('}', ahead);
  if (closes && parser.is(')', ahead + 1) && parser.is('=>', ahead + 2)) {
    throw parser.fail('Parameters cannot be taken apart: name the whole, and read pair[0] or item.name');
  }
  return null;
}
