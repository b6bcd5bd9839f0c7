// Conformance: all or nothing, in order, and still there afterwards.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Json } from '../model/json.ts';
import type { OpenStore } from './conformance.ts';
import {
  commit,
  fresh,
  plain,
  sampleAudit,
  sampleCharge,
  sampleRun,
  sampleTask,
  sampleVaultKey,
} from './conformance-samples.ts';

export function durabilityConformance(open: () => Promise<OpenStore>): void {
  describe('commits', () => {
    let opened: OpenStore;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.dispose());

    it('write nothing at all when one row is refused', async () => {
      const { store } = opened;
      const run = sampleRun();
      await commit(store, { newRuns: [run] });
      const twin = sampleRun({ id: run.id });
      const other = sampleRun();
      const batch = {
        newRuns: [other, twin],
        changedRuns: [{ ...run, status: 'FAILED' as const }],
        newTasks: [sampleTask(other)],
        charges: [sampleCharge('vk_1')],
        audit: [sampleAudit()],
      };
      await expect(commit(store, batch)).rejects.toMatchObject({ name: 'AppError', code: 'store_unavailable' });
      expect(await store.reads.runRowId(other.id)).toBeNull();
      expect((await store.reads.run(run.id, false))?.run.status).toBe('RUNNING');
      expect(await store.reads.openCharges()).toEqual([]);
      expect(await store.reads.audit({ limit: 10 })).toEqual([]);
      await commit(store, { newRuns: [other] });
      expect(await store.reads.runRowId(other.id)).toBe(other.rowId);
    });

    it('are applied in the order they were asked for', async () => {
      const { store } = opened;
      const run = sampleRun();
      await commit(store, { newRuns: [run] });
      for (let lastSeq = 1; lastSeq <= 50; lastSeq += 1) await commit(store, { changedRuns: [{ ...run, lastSeq }] });
      expect((await store.reads.run(run.id, false))?.run.lastSeq).toBe(50);
    });

    it('may be empty, and a round may be abandoned', async () => {
      await commit(opened.store, {});
      const round = await opened.store.round();
      await round.abandon();
      const run = sampleRun();
      await commit(opened.store, { newRuns: [run] });
      expect(await opened.store.reads.runRowId(run.id)).toBe(run.rowId);
    });

    it('are all there after a reopen, and fresh keys are above those given before', async () => {
      const { store: first } = opened;
      expect(first.fresh).toBe(true);
      const run = sampleRun({
        rowId: first.newRowId('run'),
        input: Json.text(`{"long":"${'x'.repeat(100_000)}"}`),
      });
      const task = sampleTask(run, { rowId: first.newRowId('task') });
      const key = sampleVaultKey();
      const charge = { ...sampleCharge(key.id), rowId: first.newRowId('charge') };
      expect(first.newRowId('task')).toBeGreaterThan(task.rowId);
      await commit(opened.store, { newRuns: [run], newTasks: [task], vaultKeys: [key], newCharges: [charge] });
      const store = await opened.reopen();
      const found = await store.reads.run(run.id, true);
      expect(found && [plain(found.run), ...found.tasks.map(plain)]).toEqual([plain(run), plain(task)]);
      expect(await store.reads.vaultKey(key.id)).toEqual(key);
      expect(await store.reads.openCharges()).toEqual([charge]);
      expect(store.fresh).toBe(false);
      expect(store.newRowId('run')).toBeGreaterThan(run.rowId);
      expect(store.newRowId('task')).toBeGreaterThan(task.rowId);
      expect(store.newRowId('charge')).toBeGreaterThan(charge.rowId);
      await commit(store, { newRuns: [sampleRun({ rowId: fresh() })] });
    });

    it('and reads are refused once the store is closed', async () => {
      await opened.store.close();
      await expect(commit(opened.store, { newRuns: [sampleRun()] })).rejects.toMatchObject({
        code: 'store_unavailable',
      });
      await expect(opened.store.reads.ping()).rejects.toMatchObject({ code: 'store_unavailable' });
    });
  });
}
