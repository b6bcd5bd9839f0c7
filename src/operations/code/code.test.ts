import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentExecutionContext, AgentHandler } from '../operation.ts';
import { type Bench, openBench } from '../testing/operation-context.ts';
import { code } from './code.ts';
import { jsonResult } from './json-result.ts';

const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

function open(handler: AgentHandler): Bench {
  const bench = openBench({ handler });
  benches.push(bench);
  return bench;
}

describe('code', () => {
  it('S24: gives a handler its context', async () => {
    const { context } = open(async ({ config, fetch, input, location }: AgentExecutionContext) => {
      return { got: input.name, fetch: typeof fetch, location, greeting: config.greeting };
    });
    expect(await code.run(context({ name: 'Ada' }, { greeting: 'Hi' }))).toEqual({
      got: 'Ada',
      fetch: 'function',
      greeting: 'Hi',
    });
  });

  it('S24: the fetch of the printed handler blocks private addresses', async () => {
    const { context } = open(async (seen: AgentExecutionContext) => {
      const { fetch, input } = seen;
      const response = await fetch(input.userProvidedUrl);
      return { data: await response.json() };
    });
    const running = code.run(context({ userProvidedUrl: 'http://169.254.169.254/latest/meta-data/' }));
    await expect(running).rejects.toThrow(/^SSRF protection: Blocked request/);
  });

  it('gives input and context to a handler with two parameters', async () => {
    const { context } = open((input: AgentExecutionContext, second: unknown) => [input, typeof second]);
    expect(await code.run(context({ a: 1 }))).toEqual([{ a: 1 }, 'object']);
  });

  it('shows a handler none of our services', async () => {
    const { context } = open((seen) => Object.keys(seen));
    const keys = await code.run(context({}));
    for (const hidden of ['services', 'agent', 'clock']) expect(keys).not.toContain(hidden);
  });

  it('fails with the words of what the handler throws', async () => {
    const thrown = (what: unknown) =>
      open(() => {
        throw what;
      });
    await expect(code.run(thrown(new RangeError('no')).context({}))).rejects.toThrow(RangeError);
    await expect(code.run(thrown('just text').context({}))).rejects.toThrow('just text');
  });

  it('runs 100 times at once without one run seeing another', async () => {
    const { context } = open(async ({ executionId, input, setState }) => {
      setState({ mine: input.n });
      await Promise.resolve();
      return { n: input.n, executionId };
    });
    const results = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const states: unknown[] = [];
        const changes = { executionId: `req_${n}`, setState: (patch: unknown) => void states.push(patch) };
        return { output: await code.run(context({ n }, {}, changes)), states };
      }),
    );
    results.forEach(({ output, states }, n) => {
      expect(output).toEqual({ n, executionId: `req_${n}` });
      expect(states).toEqual([{ mine: n }]);
    });
  });
});

describe('what a handler may return', () => {
  it('is JSON, as JSON.stringify would write it', () => {
    expect(Object.is(jsonResult(-0), 0)).toBe(true);
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(jsonResult(value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(jsonResult(undefined)).toBeNull();
    expect(jsonResult({ at: new Date(0), gone: undefined, list: [undefined, Number.NaN] })).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      list: [null, null],
    });
  });

  it('is nothing that would be stored as something else', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    let deep: unknown = 0;
    for (let depth = 0; depth < 300; depth += 1) deep = [deep];
    const refused: [unknown, RegExp][] = [
      [new Response('x'), /the result is a Response/],
      [{ a: { b: new Map() } }, /the result\.a\.b is a Map/],
      [[1n], /the result\[0\] is a BigInt/],
      [{ run: () => 1 }, /the result\.run is a function/],
      [{ bytes: new Uint8Array(2) }, /base64/],
      [cycle, /the result\.self is a cycle/],
      [deep, /nested more than 200 deep/],
      [{ later: Promise.resolve(1) }, /await it/],
    ];
    for (const [value, message] of refused) expect(() => jsonResult(value)).toThrow(message);
    const twice = { a: 1 };
    expect(jsonResult([twice, twice])).toEqual([{ a: 1 }, { a: 1 }]);
  });
});
