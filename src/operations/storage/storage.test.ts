import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { openBench } from '../testing/operation-context.ts';
import { storage } from './storage.ts';

const bench = openBench();
afterAll(() => bench.close());

const run = (config: JsonObject, input: JsonValue = {}) => storage.run(bench.context(input, config));

describe('storage', () => {
  it('gives back what was put, whichever of config and input names it', async () => {
    expect(await run({ operation: 'put' }, { key: 'a', value: { n: [1, 'x'] } })).toEqual({ success: true, key: 'a' });
    expect(await run({ backend: 'kv', operation: 'get', key: 'a' })).toEqual({
      key: 'a',
      value: { n: [1, 'x'] },
      found: true,
    });
    await run({ type: 'kv', action: 'put', key: 'b', value: '1', expirationTtl: 60 });
    expect(await run({ action: 'get' }, { key: 'b' })).toMatchObject({ value: '1' });
    await run({ operation: 'delete' }, { key: 'a' });
    expect(await run({ operation: 'get' }, { key: 'a' })).toEqual({ key: 'a', value: null, found: false });
  });

  it('keeps every JSON value as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const json: JsonValue = JSON.parse(JSON.stringify(value));
        await run({ operation: 'put' }, { key: 'any', value: json });
        expect(await run({ operation: 'get' }, { key: 'any' })).toEqual({ key: 'any', value: json, found: true });
      }),
      { numRuns: 50 },
    );
  });

  it('lets input choose no key where the config names one', async () => {
    await run({ operation: 'put', key: 'fixed' }, { key: 'other', value: 1 });
    expect(await run({ operation: 'get' }, { key: 'other' })).toMatchObject({ found: false });
    expect(await run({ operation: 'get' }, { key: 'fixed' })).toMatchObject({ value: 1 });
  });

  it('forgets after the time to live', async () => {
    await run({ operation: 'put', ttl: 60 }, { key: 'short', value: 1 });
    expect(await run({ operation: 'get' }, { key: 'short' })).toMatchObject({ found: true });
    bench.clock.moveMs(60_000);
    expect(await run({ operation: 'get' }, { key: 'short' })).toMatchObject({ found: false });
  });

  it('lists by prefix, page by page', async () => {
    const binding = 'PAGES';
    for (const key of ['p:1', 'p:2', 'p:3', 'q:1']) await run({ operation: 'put', binding }, { key, value: 1 });
    const first = await run({ operation: 'list', binding }, { prefix: 'p:', limit: 2 });
    expect(first).toEqual({ keys: ['p:1', 'p:2'], cursor: 'p:2' });
    const rest = await run({ operation: 'list', binding }, { prefix: 'p:', limit: 2, cursor: 'p:2' });
    expect(rest).toEqual({ keys: ['p:3'], cursor: null });
  });

  it('refuses what cannot be', async () => {
    await expect(run({ operation: 'get', binding: '../x' }, { key: 'a' })).rejects.toThrow(/name of a binding/);
    await expect(run({ operation: 'get' })).rejects.toThrow(/"key" is missing/);
    await expect(run({ operation: 'put' }, { key: 'a' })).rejects.toThrow(/"value" is missing/);
    await expect(run({ operation: 'get', backend: 'r2' })).rejects.toThrow(/config\.backend/);
  });
});
