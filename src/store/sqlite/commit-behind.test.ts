// Commits sent behind others, on the real file: in order, and void with the one that fails.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sampleRun } from '../conformance-samples.ts';
import type { SentCommit, Store } from '../port.ts';
import { emptyBatch, type WriteBatch } from '../write-batch.ts';
import { createSqliteStore } from './store.ts';

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-behind-'));
  store = await createSqliteStore({ path: join(folder, 'conductor.db') });
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

function send(rows: Partial<WriteBatch>, earlier?: SentCommit): SentCommit {
  const commit = store.commitBehind?.({ ...emptyBatch(), ...rows }, earlier);
  if (!commit) throw new Error('a store with a single writer sends commits behind others');
  return commit;
}

function log(text: string): Partial<WriteBatch> {
  return { logs: [{ taskId: 'task', log: text, createdMs: 1 }] };
}

async function written(): Promise<string[]> {
  return (await store.reads.logs(['task'])).map((line) => line.log);
}

test('are written in the order of sending', async () => {
  const first = send(log('first'));
  const second = send(log('second'), first);
  const third = send(log('third'), second);
  await third.done;
  expect(await written()).toEqual(['first', 'second', 'third']);
});

test('fail with the one before them, however long the row, and a new one is taken', async () => {
  const run = sampleRun();
  await send({ newRuns: [run] }).done;
  const twin = send({ newRuns: [sampleRun({ id: run.id })] });
  const behind = send(log('behind'), twin);
  const further = send(log('further'), behind);
  const empty = send({}, further);
  for (const { done } of [twin, behind, further, empty]) {
    await expect(done).rejects.toMatchObject({ code: 'store_unavailable' });
  }
  await send(log('new')).done;
  // One that was decided before the failure was known is not behind it, but behind what failed.
  await expect(send(log('late'), further).done).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(await written()).toEqual(['new']);
});

test('that write nothing are done when those before them are', async () => {
  await send({}).done;
  const first = send(log('first'));
  await send({}, first).done;
  expect(await written()).toEqual(['first']);
});
