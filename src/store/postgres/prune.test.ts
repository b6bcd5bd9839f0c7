// Retention: what goes, what stays, and what a round holds.
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../tests/support/postgres-database.ts';
import {
  commit,
  fresh,
  sampleAudit,
  sampleCharge,
  sampleRun,
  sampleTask,
  sampleVaultKey,
} from '../conformance-samples.ts';
import { inRound } from '../conformance-two-stores.ts';
import type { Store } from '../port.ts';
import { createPostgresStore } from './store.ts';

const NOW_MS = 1_790_000_000_000;
const DAY_MS = 86_400_000;
const AGES = { runsEndedBeforeMs: NOW_MS - 30 * DAY_MS, auditBeforeMs: NOW_MS - 60 * DAY_MS };
const OLD_MS = NOW_MS - 90 * DAY_MS;

let url: string;
let store: Store;

beforeEach(async () => {
  url = await createTestDatabase();
  store = await createPostgresStore({ url });
});

afterEach(() => store.close());

const ended = (endedMs: number) => sampleRun({ status: 'COMPLETED', endedMs });
const dead = (over: object = {}) => sampleVaultKey({ createdMs: OLD_MS, expiresMs: OLD_MS + 1, ...over });
const settled = (keyId: string, over: object = {}) =>
  sampleCharge(keyId, { state: 'settled', reservedMs: OLD_MS, ...over });

/** How many rows a table has. */
async function count(table: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ count: string }>(`select count(*) from ${table}`);
  await client.end();
  return Number(rows[0]?.count);
}

const counts = (...tables: string[]) => Promise.all(tables.map(count));

describe('runs', () => {
  test('that ended before the age go whole; open ones and later ones stay', async () => {
    const runs = [ended(OLD_MS), ended(NOW_MS), sampleRun({ createdMs: OLD_MS }), sampleRun({ status: 'PAUSED' })];
    const tasks = runs.map((run) => sampleTask(run));
    const logs = tasks.map((task) => ({ taskId: task.id, log: 'line', createdMs: OLD_MS }));
    const historyReads = runs.map((run) => ({ atMs: OLD_MS, principal: 'me', runId: run.id, route: '/' }));
    const signals = runs.map(({ rowId }) => ({
      rowId: fresh(),
      runRowId: rowId,
      createdMs: 1,
      document: sampleRun().input,
    }));
    await commit(store, { newRuns: runs, newTasks: tasks, logs, historyReads, signals });
    expect(await store.prune(AGES, 200)).toBe(1);
    expect(await Promise.all(runs.map(({ id }) => store.reads.runRowId(id)))).toEqual([
      null,
      ...runs.slice(1).map(({ rowId }) => rowId),
    ]);
    expect(await counts('run', 'task', 'task_log', 'history_read', 'signal')).toEqual([3, 3, 3, 3, 3]);
  });

  test('go oldest first, a limit at a time, and less than the limit says that nothing is left', async () => {
    const runs = [5, 3, 4, 1, 2].map((day) => ended(OLD_MS + day * DAY_MS));
    await commit(store, { newRuns: runs });
    expect(await store.prune(AGES, 2)).toBe(2);
    const left = await Promise.all(runs.map(({ id }) => store.reads.runRowId(id)));
    expect(left.map((rowId) => rowId !== null)).toEqual([true, true, true, false, false]);
    expect([await store.prune(AGES, 2), await store.prune(AGES, 2), await store.prune(AGES, 2)]).toEqual([2, 1, 0]);
  });

  test('with many tasks are still one batch, in transactions of their own', async () => {
    const runs = [1, 2, 3].map(() => ({ ...ended(OLD_MS), lastSeq: 1500 }));
    const newTasks = runs.flatMap((run) => Array.from({ length: 1500 }, (_, seq) => sampleTask(run, { seq })));
    await commit(store, { newRuns: runs, newTasks });
    expect(await store.prune(AGES, 200)).toBe(3);
    expect(await counts('run', 'task')).toEqual([0, 0]);
  });

  test('that a round holds are passed over', async () => {
    const [held, free] = [ended(OLD_MS), ended(OLD_MS)];
    await commit(store, { newRuns: [held, free] });
    await inRound(store, async (round) => {
      await round.loadRuns([{ rowId: held.rowId, revision: 0 }]);
      expect(await store.prune(AGES, 10)).toBe(1);
    });
    expect(await store.reads.runRowId(held.id)).toBe(held.rowId);
  });
});

describe('an age of 0', () => {
  test('keeps everything of its kind', async () => {
    const key = dead();
    const rows = { newRuns: [ended(OLD_MS)], audit: [sampleAudit({ atMs: OLD_MS })] };
    await commit(store, { ...rows, vaultKeys: [key], newCharges: [settled(key.id)] });
    expect(await store.prune({ runsEndedBeforeMs: 0, auditBeforeMs: 0 }, 200)).toBe(0);
    expect(await store.prune({ ...AGES, auditBeforeMs: 0 }, 200)).toBe(1);
    expect(await counts('run', 'audit', 'charge', 'vault_key')).toEqual([0, 1, 1, 1]);
    expect(await store.prune({ ...AGES, runsEndedBeforeMs: 0 }, 200)).toBe(2);
    expect(await counts('audit', 'charge', 'vault_key')).toEqual([0, 0, 0]);
  });
});

describe('the audit', () => {
  test('goes by its own age, and its ids never go back', async () => {
    await commit(store, { audit: [OLD_MS, NOW_MS, OLD_MS, OLD_MS].map((atMs) => sampleAudit({ atMs })) });
    expect(await store.prune(AGES, 200)).toBe(3);
    await commit(store, { audit: [sampleAudit({ atMs: NOW_MS })] });
    expect((await store.reads.audit({ limit: 10 })).map(({ id }) => id)).toEqual([2, 5]);
  });
});

describe('money', () => {
  test('a dead key goes with its closed charges, and stays for an open one', async () => {
    const [expired, revoked] = [dead(), dead({ expiresMs: NOW_MS, revokedMs: OLD_MS })];
    const uncertain = dead({ capWindow: 'lifetime' });
    const charges = [
      settled(expired.id),
      settled(revoked.id, { state: 'released' }),
      settled(uncertain.id, { state: 'uncertain' }),
      settled(uncertain.id),
    ];
    await commit(store, { vaultKeys: [expired, revoked, uncertain], newCharges: charges });
    expect(await store.prune(AGES, 200)).toBe(2);
    const keys = await Promise.all([expired, revoked, uncertain].map(({ id }) => store.reads.vaultKey(id)));
    expect(keys).toEqual([null, null, uncertain]);
    expect(await counts('charge', 'vault_key')).toEqual([2, 1]);
  });

  test('a live key stays, and loses only charges that no window can count', async () => {
    const live = { createdMs: OLD_MS, expiresMs: NOW_MS + DAY_MS };
    const day = sampleVaultKey({ ...live, capWindow: 'rolling_24h' });
    const life = sampleVaultKey({ ...live, capWindow: 'lifetime' });
    const reservedMs = AGES.auditBeforeMs - DAY_MS / 2;
    const charges = [day, life].flatMap(({ id }) => [
      settled(id),
      settled(id, { state: 'reserved' }),
      settled(id, { reservedMs }),
    ]);
    await commit(store, { vaultKeys: [day, life], newCharges: charges });
    expect(await store.prune(AGES, 200)).toBe(1);
    expect((await store.reads.chargesOf(day.id, 0)).map(({ state }) => state)).toEqual(['reserved', 'settled']);
    expect(await store.reads.chargesOf(life.id, 0)).toHaveLength(3);
  });

  test('whatever is written in a run or a key, it goes', async () => {
    const odd = 'nul \u0000, half a character \ud83d, "lastSeq":99999999999999999999, "capWindow":"lifetime"';
    await commit(store, { newRuns: [{ ...ended(OLD_MS), reason: odd }] });
    const live = sampleVaultKey({ createdMs: OLD_MS, capWindow: 'utc_day', runLabel: odd });
    await commit(store, { vaultKeys: [live], newCharges: [settled(live.id)] });
    await store.prune(AGES, 10);
    expect(await counts('run', 'charge', 'vault_key')).toEqual([0, 0, 1]);
  });

  test('keys go a limit at a time, and one with more charges than the limit outlives its charges', async () => {
    await commit(store, { vaultKeys: Array.from({ length: 5 }, () => dead()) });
    expect([await store.prune(AGES, 2), await store.prune(AGES, 2), await store.prune(AGES, 2)]).toEqual([2, 2, 0]);
    const key = dead();
    await commit(store, { vaultKeys: [key], newCharges: Array.from({ length: 5 }, () => settled(key.id)) });
    expect([await store.prune(AGES, 2), await store.prune(AGES, 2), await store.prune(AGES, 2)]).toEqual([2, 2, 1]);
    expect(await store.reads.vaultKey(key.id)).toBeNull();
  });
});

test('poll records of workers that left a week ago go', async () => {
  const poll = { queueName: 'q', domain: '', workerId: 'w' };
  await commit(store, { polls: [{ ...poll, lastPollMs: 1 }] });
  await commit(store, { polls: [{ ...poll, workerId: 'x', lastPollMs: Date.now() }] });
  await store.prune(AGES, 10);
  expect((await store.reads.polls(0)).map(({ workerId }) => workerId)).toEqual(['x']);
});
