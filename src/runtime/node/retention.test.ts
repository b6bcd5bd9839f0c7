import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commit, sampleAudit, sampleRun } from '../../store/conformance-samples.ts';
import type { Store } from '../../store/port.ts';
import { createSqliteStore } from '../../store/sqlite/store.ts';
import { type RetentionOptions, startRetention } from './retention.ts';

const NOW_MS = 1_790_000_000_000;
const DAY_MS = 86_400_000;
const PACE = { firstMs: 1, everyMs: 5, pauseMs: 1 };

let folder: string;
let store: Store;
let logged: string[];
let errors: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retention-'));
  store = await createSqliteStore({ path: join(folder, 'conductor.db') });
  logged = [];
  errors = 0;
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

function start(over: Partial<RetentionOptions> = {}) {
  return startRetention({
    store,
    clock: { now: () => NOW_MS },
    keepRunsMs: 30 * DAY_MS,
    keepAuditMs: 60 * DAY_MS,
    log: {
      info: (message, details) => void logged.push(`${message} ${JSON.stringify(details)}`),
      warn: () => undefined,
      error: () => {
        errors += 1;
      },
    },
    pace: PACE,
    ...over,
  });
}

const ended = (endedMs: number) => sampleRun({ status: 'COMPLETED', endedMs });
const remaining = async () => (await store.reads.correlated('billing', ['c'], true)).length;

test('goes on until nothing is left that has passed its age, and says how much went', async () => {
  const old = Array.from({ length: 450 }, () => ({ ...ended(NOW_MS - 31 * DAY_MS), correlationId: 'c' }));
  const kept = [ended(NOW_MS - 29 * DAY_MS), sampleRun()].map((run) => ({ ...run, correlationId: 'c' }));
  const audit = [NOW_MS - 61 * DAY_MS, NOW_MS - 59 * DAY_MS].map((atMs) => sampleAudit({ atMs }));
  await commit(store, { newRuns: [...old, ...kept], audit });
  const retention = start();
  await expect.poll(() => logged).toEqual(['removed what has passed its age {"rows":451}']);
  await retention.stop();
  expect(await remaining()).toBe(2);
});

test('looks again later', async () => {
  const retention = start();
  await commit(store, { newRuns: [{ ...ended(NOW_MS - 31 * DAY_MS), correlationId: 'c' }] });
  await expect.poll(remaining).toBe(0);
  await commit(store, { newRuns: [{ ...ended(NOW_MS - 31 * DAY_MS), correlationId: 'c' }] });
  await expect.poll(remaining).toBe(0);
  await retention.stop();
});

test('a database that fails is logged and asked again', async () => {
  await store.close();
  const retention = start();
  await expect.poll(() => errors).toBeGreaterThan(1);
  await retention.stop();
});

test('nothing is removed unless an age is set', async () => {
  await commit(store, { newRuns: [{ ...ended(1), correlationId: 'c' }], audit: [sampleAudit({ atMs: 1 })] });
  const calls: unknown[] = [];
  const watched = {
    shared: null,
    prune: async (ages: Parameters<Store['prune']>[0], limit: number) => {
      calls.push(ages);
      return store.prune(ages, limit);
    },
  };
  await start({ keepRunsMs: 0, keepAuditMs: 0, store: watched }).stop();
  const runsOnly = start({ keepAuditMs: 0, store: watched });
  await expect.poll(remaining).toBe(0);
  await runsOnly.stop();
  expect(calls[0]).toEqual({ runsEndedBeforeMs: NOW_MS - 30 * DAY_MS, auditBeforeMs: 0 });
});

test('two at once remove everything once', async () => {
  const old = Array.from({ length: 600 }, () => ({ ...ended(NOW_MS - 31 * DAY_MS), correlationId: 'c' }));
  await commit(store, { newRuns: old });
  const both = [start(), start()];
  await expect.poll(remaining).toBe(0);
  await Promise.all(both.map((retention) => retention.stop()));
  expect(errors).toBe(0);
});

test('a batch under way is through before it has stopped', async () => {
  let entered: () => void = () => undefined;
  const inside = new Promise<void>((resolve) => {
    entered = resolve;
  });
  let through = false;
  const slow = {
    shared: null,
    prune: async (ages: Parameters<Store['prune']>[0], limit: number) => {
      entered();
      const gone = await store.prune(ages, limit);
      through = true;
      return gone;
    },
  };
  const retention = start({ store: slow });
  await inside;
  await retention.stop();
  expect(through).toBe(true);
});
