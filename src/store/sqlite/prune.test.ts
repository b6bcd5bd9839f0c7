// Retention: what goes, what stays, and how it is found.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Json } from '../../model/json.ts';
import { commit, sampleAudit, sampleCharge, sampleRun, sampleTask, sampleVaultKey } from '../conformance-samples.ts';
import type { Store } from '../port.ts';
import { openDatabase } from './driver.ts';
import { createSqliteStore } from './store.ts';

const NOW_MS = 1_790_000_000_000;
const DAY_MS = 86_400_000;
const AGES = { runsEndedBeforeMs: NOW_MS - 30 * DAY_MS, auditBeforeMs: NOW_MS - 60 * DAY_MS };
const OLD_MS = NOW_MS - 90 * DAY_MS;

let folder: string;
let path: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prune-'));
  path = join(folder, 'conductor.db');
  store = await createSqliteStore({ path });
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const ended = (endedMs: number) => sampleRun({ status: 'COMPLETED', endedMs, input: Json.of('x'.repeat(2000)) });
const dead = (over: object = {}) => sampleVaultKey({ createdMs: OLD_MS, expiresMs: OLD_MS + 1, ...over });
const settled = (keyId: string, over: object = {}) =>
  sampleCharge(keyId, { state: 'settled', reservedMs: OLD_MS, ...over });

/** How many rows each table has, once the store is closed. */
async function counts(): Promise<Record<string, number>> {
  await store.close();
  const database = openDatabase(path);
  const tables = ['run', 'run_input', 'task', 'task_input', 'task_log', 'history_read', 'audit', 'charge', 'vault_key'];
  const found = tables.map((table) => [
    table,
    Number(database.prepare(`select count(*) as n from ${table}`).all([])[0]?.n),
  ]);
  database.close();
  return Object.fromEntries(found);
}

describe('runs', () => {
  test('that ended before the age go whole; open ones and later ones stay', async () => {
    const runs = [ended(OLD_MS), ended(NOW_MS), sampleRun({ createdMs: OLD_MS }), sampleRun({ status: 'PAUSED' })];
    const tasks = runs.map((run) => sampleTask(run, { input: Json.of('y'.repeat(2000)) }));
    const logs = tasks.map((task) => ({ taskId: task.id, log: 'line', createdMs: OLD_MS }));
    const historyReads = runs.map((run) => ({ atMs: OLD_MS, principal: 'me', runId: run.id, route: '/' }));
    await commit(store, { newRuns: runs, newTasks: tasks, logs, historyReads });
    expect(await store.prune(AGES, 200)).toBe(1);
    expect(await Promise.all(runs.map(({ id }) => store.reads.runRowId(id)))).toEqual([
      null,
      ...runs.slice(1).map(({ rowId }) => rowId),
    ]);
    expect(await counts()).toMatchObject({
      run: 3,
      run_input: 1,
      task: 3,
      task_input: 3,
      task_log: 3,
      history_read: 3,
    });
  });

  test('that were opened again are not those that ended', async () => {
    const run = ended(OLD_MS);
    await commit(store, { newRuns: [run] });
    await commit(store, { changedRuns: [{ ...run, status: 'RUNNING', endedMs: 0 }] });
    expect(await store.prune(AGES, 200)).toBe(0);
    expect(await store.reads.runRowId(run.id)).toBe(run.rowId);
  });

  test('go oldest first, a limit at a time, and a full batch says that there may be more', async () => {
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
    expect(await counts()).toMatchObject({ run: 0, task: 0 });
  });
});

describe('an age of 0', () => {
  test('keeps everything', async () => {
    const key = dead();
    await commit(store, {
      newRuns: [ended(OLD_MS)],
      audit: [sampleAudit({ atMs: OLD_MS })],
      vaultKeys: [key],
      newCharges: [settled(key.id)],
    });
    expect(await store.prune({ runsEndedBeforeMs: 0, auditBeforeMs: 0 }, 200)).toBe(0);
    expect(await counts()).toMatchObject({ run: 1, audit: 1, charge: 1, vault_key: 1 });
  });

  test('for one does not keep the other', async () => {
    const entries = [sampleAudit({ atMs: OLD_MS }), sampleAudit({ atMs: NOW_MS })];
    await commit(store, { newRuns: [ended(OLD_MS)], audit: entries });
    expect(await store.prune({ ...AGES, runsEndedBeforeMs: 0 }, 200)).toBe(1);
    expect(await store.prune({ ...AGES, auditBeforeMs: 0 }, 200)).toBe(1);
    expect(await counts()).toMatchObject({ run: 0, audit: 1 });
  });
});

describe('the audit', () => {
  test('goes by its own age, and its ids never go back', async () => {
    await commit(store, { audit: [OLD_MS, NOW_MS, OLD_MS, OLD_MS].map((atMs) => sampleAudit({ atMs })) });
    expect(await store.prune(AGES, 200)).toBe(2);
    await commit(store, { audit: [sampleAudit({ atMs: NOW_MS })] });
    expect((await store.reads.audit({ limit: 10 })).map(({ id }) => id)).toEqual([2, 4, 5]);
    expect(await store.prune(AGES, 200)).toBe(1);
  });
});

describe('money', () => {
  test('a dead key goes with its closed charges, and stays for an open one', async () => {
    const [expired, revoked] = [dead(), dead({ expiresMs: NOW_MS, revokedMs: OLD_MS })];
    const uncertain = dead({ capWindow: 'lifetime' });
    await commit(store, {
      vaultKeys: [expired, revoked, uncertain],
      newCharges: [
        settled(expired.id),
        settled(revoked.id, { state: 'released' }),
        settled(uncertain.id, { state: 'uncertain' }),
        settled(uncertain.id),
      ],
    });
    expect(await store.prune(AGES, 200)).toBe(2);
    expect(await Promise.all([expired, revoked, uncertain].map(({ id }) => store.reads.vaultKey(id)))).toEqual([
      null,
      null,
      uncertain,
    ]);
    expect(await counts()).toMatchObject({ charge: 2, vault_key: 1 });
  });

  test('a live key stays, and loses only charges that no window can count', async () => {
    const live = { createdMs: OLD_MS, expiresMs: NOW_MS + DAY_MS };
    const day = sampleVaultKey({ ...live, capWindow: 'rolling_24h' });
    const life = sampleVaultKey({ ...live, capWindow: 'lifetime' });
    const within = AGES.auditBeforeMs - DAY_MS / 2;
    const charges = [day, life].flatMap(({ id }) => [
      settled(id),
      settled(id, { state: 'reserved' }),
      settled(id, { reservedMs: within }),
    ]);
    await commit(store, { vaultKeys: [day, life], newCharges: charges });
    expect(await store.prune(AGES, 200)).toBe(1);
    expect((await store.reads.chargesOf(day.id, 0)).map(({ state }) => state)).toEqual(['reserved', 'settled']);
    expect(await store.reads.chargesOf(life.id, 0)).toHaveLength(3);
  });

  test('keys without charges go a limit at a time too', async () => {
    await commit(store, { vaultKeys: Array.from({ length: 5 }, () => dead()) });
    expect([await store.prune(AGES, 2), await store.prune(AGES, 2), await store.prune(AGES, 2)]).toEqual([2, 2, 0]);
    expect(await counts()).toMatchObject({ vault_key: 0 });
  });

  test('a key with more charges than the limit outlives its charges', async () => {
    const key = dead();
    await commit(store, { vaultKeys: [key], newCharges: Array.from({ length: 5 }, () => settled(key.id)) });
    expect([await store.prune(AGES, 2), await store.prune(AGES, 2), await store.prune(AGES, 2)]).toEqual([2, 2, 1]);
    expect(await store.reads.vaultKey(key.id)).toBeNull();
  });
});
