import { afterAll, describe, expect, it } from 'vitest';
import { openBench } from '../testing/operation-context.ts';
import { delay } from './delay.ts';
import { echo } from './echo.ts';
import { inspectContext } from './inspect-context.ts';

const bench = openBench();
afterAll(() => bench.close());

describe('echo', () => {
  it('gives back its data, or its whole input', async () => {
    expect(await echo.run(bench.context({ data: [1] }))).toEqual({
      echo: [1],
      receivedAt: expect.any(Number),
      inputType: 'array',
    });
    expect(await echo.run(bench.context('text'))).toMatchObject({ echo: 'text', inputType: 'string' });
  });
});

describe('delay', () => {
  it('waits and passes on', async () => {
    expect(await delay.run(bench.context({ ms: 5, passthrough: { a: 1 } }))).toEqual({
      delayed: true,
      passthrough: { a: 1 },
      actualDelayMs: expect.any(Number),
    });
  });

  it('waits no longer than ten seconds, and not at all once the execution has ended', async () => {
    await expect(delay.run(bench.context({ ms: 10_001 }))).rejects.toThrow(/input\.ms/);
    const stop = new AbortController();
    const waiting = delay.run(bench.context({ ms: 10_000 }, {}, { signal: stop.signal }));
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });
});

describe('inspect-context', () => {
  it('names what there is, and shows no value of the environment, of state or of a credential', async () => {
    const seen = await inspectContext.run(
      bench.context(
        { token: 'value-1' },
        {},
        {
          env: { API_TOKEN: 'value-2' },
          state: { draft: 'value-3' },
          previousOutputs: { first: 'value-4' },
          auth: {
            authenticated: true,
            method: 'apiKey',
            user: { id: 'key_1', roles: [], permissions: ['*'], metadata: { note: 'value-5' } },
          },
        },
      ),
    );
    expect(seen).toMatchObject({
      env: { names: ['API_TOKEN'] },
      input: { keys: ['token'] },
      auth: { method: 'apiKey', userId: 'key_1', permissions: ['*'] },
      state: { keys: ['draft'] },
    });
    expect(JSON.stringify(seen)).not.toMatch(/value-\d/);
  });
});
