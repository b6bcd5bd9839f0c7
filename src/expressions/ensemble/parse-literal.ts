// `[a, ...b]` and `{a, b: 1, 'c-d': 2, [e]: 3, ...f}`. Owns their grammar; their opening bracket has been taken.
import type { Parser } from './parser.ts';
import type { Member, Spread, Tree } from './syntax-tree.ts';

export function parseList(parser: Parser, at: number): Tree {
  const items: (Tree | Spread)[] = [];
  while (!parser.take(']')) {
    items.push(parser.take('...') ? { kind: 'spread', operand: parser.expression() } : parser.expression());
    if (!parser.is(']')) parser.expect(',', 'between two elements');
  }
  return { kind: 'list', at, items };
}

export function parseObject(parser: Parser, at: number): Tree {
  const members: Member[] = [];
  while (!parser.take('}')) {
    members.push(parser.take('...') ? { kind: 'spread', operand: parser.expression() } : pair(parser));
    if (!parser.is('}')) parser.expect(',', 'between two members');
  }
  return { kind: 'object', at, members };
}

function pair(parser: Parser): Member {
  const { token } = parser;
  const { at } = token;
  if (parser.take('[')) {
    const key = parser.expression();
    parser.expect(']', 'after the key');
    return valued(parser, key);
  }
  if (token.kind !== 'name' && token.kind !== 'text' && token.kind !== 'number') {
    throw parser.fail('The name of a member is missing');
  }
  parser.advance();
  const name = token.kind === 'number' ? String(token.value) : token.text;
  const key: Tree = { kind: 'literal', at, value: name };
  const short = token.kind === 'name' && (parser.is(',') || parser.is('}'));
  return short ? { kind: 'pair', key, value: parser.read(name, at) } : valued(parser, key);
}

function valued(parser: Parser, key: Tree): Member {
  parser.expect(':', 'after the name of a member');
  return { kind: 'pair', key, value: parser.expression() };
}
