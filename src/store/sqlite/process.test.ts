// One process per file, and what is left when it dies.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Json } from '../../model/json.ts';
import { commit, plain, sampleRun, sampleTask } from '../conformance-samples.ts';
import type { Store } from '../port.ts';
import { openDatabase } from './driver.ts';
import { createSqliteStore } from './store.ts';

const COMMITTER = fileURLToPath(new URL('./testing/committer.ts', import.meta.url));

let folder: string;
let path: string;
const opened: Store[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
  path = join(folder, 'data', 'conductor.db');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const store of opened.splice(0)) await store.close();
  await rm(folder, { recursive: true });
});

async function open(): Promise<Store> {
  const store = await createSqliteStore({ path });
  opened.push(store);
  return store;
}

function committer(ending: 'never' | 'leave' | 'close') {
  const child = spawn(process.execPath, ['--import', 'tsx', COMMITTER, path, ending], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return { child, exited: once(child, 'exit'), acknowledged: createInterface(child.stdout) };
}

/** Resolves with the row ids said to be committed, once the process was killed after `count` of them. */
async function killAfter(count: number): Promise<number[]> {
  const { child, exited, acknowledged } = committer('never');
  const rowIds: number[] = [];
  for await (const line of acknowledged) {
    rowIds.push(Number(line));
    if (rowIds.length === count) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  return rowIds;
}

describe('a process killed while it commits', () => {
  it('leaves every commit it acknowledged, whole, and no lock', async () => {
    for (const count of [1, 200]) {
      const rowIds = await killAfter(count);
      const store = await createSqliteStore({ path });
      for (const rowId of rowIds) {
        const found = await store.reads.run(`run-${rowId}`, true);
        const run = sampleRun({ rowId });
        expect(found && [found.run, ...found.tasks].map(plain)).toEqual([run, sampleTask(run, { rowId })].map(plain));
      }
      const last = rowIds.at(-1) ?? 0;
      const next = store.newRowId('run');
      expect(store.newRowId('task')).toBe(next);
      expect([last + 1, last + 2]).toContain(next);
      await store.close();
    }
  });
});

describe('a second opener', () => {
  it('is refused by the file name while another process has the file open', async () => {
    const { acknowledged } = committer('never');
    await once(acknowledged, 'line');
    await expect(createSqliteStore({ path })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(new RegExp(`${path} is already open`)),
    });
  });

  it('is refused within one process too, and does no harm to the first', async () => {
    const first = await open();
    await expect(createSqliteStore({ path })).rejects.toThrow(`${path} is already open`);
    const run = sampleRun();
    await commit(first, { newRuns: [run] });
    await expect(createSqliteStore({ path })).rejects.toThrow(`${path} is already open`);
    expect(await first.reads.runRowId(run.id)).toBe(run.rowId);
  });

  it('is let in once the first has closed', async () => {
    await (await createSqliteStore({ path })).close();
    await expect(open()).resolves.toBeDefined();
  });
});

describe('opening', () => {
  it('refuses a file that a newer version wrote, and leaves it openable by that version', async () => {
    await (await createSqliteStore({ path })).close();
    const database = openDatabase(path);
    database.exec("insert into schema_migration values (9000, '9000-later.sql', 0)");
    database.close();
    await expect(createSqliteStore({ path })).rejects.toThrow(`${path} has schema version 9000`);
    const again = openDatabase(path);
    again.exec('delete from schema_migration where version = 9000');
    again.close();
    await expect(open()).resolves.toBeDefined();
  });

  it('refuses a path that is no file, by its name', async () => {
    await expect(createSqliteStore({ path: folder })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining(folder),
    });
  });

  it('makes a file that only its owner can read', async () => {
    const store = await open();
    await commit(store, { newRuns: [sampleRun()] });
    for (const file of [path, `${path}-wal`]) expect((await stat(file)).mode & 0o077).toBe(0);
  });
});

describe('ending', () => {
  it('ends the process after close, and also when nobody closed it', async () => {
    for (const ending of ['close', 'leave'] as const) {
      const { exited } = committer(ending);
      expect(await exited).toEqual([0, null]);
    }
    const store = await open();
    expect(store.newRowId('run')).toBe(3);
  });

  it('leaves one whole file and no log', async () => {
    const store = await createSqliteStore({ path });
    await commit(store, { newRuns: [sampleRun()] });
    await store.close();
    await store.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });
});

describe('the write-ahead log', () => {
  it('stays bounded under commits without a pause', async () => {
    const store = await open();
    const output = Json.of('x'.repeat(1_000_000));
    const run = sampleRun();
    await commit(store, { newRuns: [run] });
    let largest = 0;
    for (let written = 0; written < 120; written += 1) {
      await commit(store, { changedRuns: [{ ...run, output }] });
      largest = Math.max(largest, (await stat(`${path}-wal`)).size);
    }
    expect(largest).toBeLessThan(64_000_000);
  });
});
