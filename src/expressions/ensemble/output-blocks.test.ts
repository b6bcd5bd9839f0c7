import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import { splitOutput } from '../../model/raw-value.ts';
import { ExpressionError } from './expression.ts';
import { compileOutputBlocks } from './output-blocks.ts';
import { errorOf, SCOPE, scopeOf } from './scope.fixture.ts';

function answer(...blocks: JsonObject[]): unknown {
  return compileOutputBlocks({ blocks }).resolve(SCOPE);
}

describe('the first block whose condition holds answers', () => {
  it('in their order; one without a condition always holds', () => {
    const blocks: JsonObject[] = [
      { when: '${input.no}', body: 'first' },
      { when: 'input.count > 2', status: 201, body: { id: '${fetch-user.output.id}' } },
      { body: 'last' },
    ];
    expect(answer(...blocks)).toEqual({ id: 7, _response: { status: 201 } });
    expect(answer({ when: false, body: 'a' }, { body: { b: 1 } })).toEqual({ b: 1 });
    expect(answer({ when: true, body: { a: 1 } })).toEqual({ a: 1 });
  });

  it('no block: an empty answer', () => {
    expect(answer({ when: 'input.no', body: 'x' })).toEqual({ _raw: null, _response: { status: 200, raw: true } });
  });
});

describe('what a block sets', () => {
  it.each<[JsonObject, JsonObject]>([
    [{ body: '${input.name}' }, { _raw: 'Ada' }],
    [
      { body: '${input.tags}', raw: true },
      { _raw: ['a', 'b', 'c'], _response: { raw: true } },
    ],
    [{ body: '${input.missing}' }, { _raw: null }],
    [{ status: '${input.count + 200}', body: {} }, { _response: { status: 203 } }],
    [{ status: '404', body: {} }, { _response: { status: 404 } }],
    [{ status: '${input.name}', body: { a: 1 } }, { a: 1 }],
    [{ status: 99, body: { a: 1 } }, { a: 1 }],
    [
      { headers: { 'X-Count': '${input.count}', 'X-No': '${input.missing}', 'X-Null': '${input.nothing}' } },
      { _raw: null, _response: { headers: { 'X-Count': '3' } } },
    ],
    [
      { redirect: { url: 'https://a.test/${input.name}' } },
      { _raw: null, _response: { redirect: { url: 'https://a.test/Ada', status: 302 } } },
    ],
    [
      { redirect: { url: '/x', status: '${input.yes ? 308 : 301}' } },
      { _raw: null, _response: { redirect: { url: '/x', status: 308 } } },
    ],
    [{ redirect: { url: '/x', status: 200 } }, { _raw: null, _response: { redirect: { url: '/x', status: 302 } } }],
    [{ redirect: '/x' }, { _raw: null, _response: { redirect: { url: '/x', status: 302 } } }],
    [
      { format: 'csv', body: '${input.tags}' },
      { _raw: ['a', 'b', 'c'], _response: { format: { type: 'csv' } } },
    ],
    [
      { format: { type: 'html', extract: 'page' }, body: { page: '<p>' } },
      { page: '<p>', _response: { format: { type: 'html', extract: 'page' } } },
    ],
  ])('%j', (block, expected) => expect(answer(block)).toEqual(expected));

  it('data cannot say how it is sent', () => {
    const { resolve } = compileOutputBlocks({ blocks: [{ body: '${fetched.output}' }] });
    const output = { _response: { redirect: { url: 'https://evil.test', status: 302 } }, a: 1 };
    const run = resolve(scopeOf({ fetched: { output } }));
    expect(splitOutput(JSON.parse(JSON.stringify(run)))).toEqual({ body: output, response: {} });
  });

  it('says what its blocks read', () => {
    const { roots, constant } = compileOutputBlocks({
      blocks: [{ when: 'a.output', body: '${b.output}' }, { status: '${c.output}' }],
    });
    expect([[...roots], constant]).toEqual([['a', 'b', 'c'], false]);
  });

  it.each(['${env.TOKEN}', '$env.TOKEN', 'x ${env.TOKEN} ${input.name}'])('never reads env: %s', (body) => {
    expect(errorOf(() => compileOutputBlocks({ blocks: [{ body }] }))).toBeInstanceOf(ExpressionError);
  });
});
