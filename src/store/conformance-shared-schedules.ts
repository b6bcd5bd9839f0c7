// Conformance of shared stores: a schedule that one round decides on is no other's, and a change of one is told.
import { expect, it } from 'vitest';
import { commit, sampleSchedule } from './conformance-samples.ts';
import { inRound, sharedOf, type TwoStores } from './conformance-two-stores.ts';
import { emptyBatch } from './write-batch.ts';

export function sharedSchedules(both: () => TwoStores): void {
  it('one that a round holds is busy for every other, until that round ends', async () => {
    const { first, second } = both();
    const [held, free] = [sampleSchedule(), sampleSchedule()];
    const names = [held, free].map(({ schedule }) => schedule.name);
    await commit(first, { schedules: [held, free] });
    const moved = { ...held, nextMs: held.nextMs + 1 };
    await inRound(second, async (later) => {
      await inRound(first, async (earlier) => {
        await earlier.loadSchedules([held.schedule.name]);
        expect(await later.loadSchedules(names)).toEqual({ found: [free], busy: [held.schedule.name] });
        await earlier.commit({ ...emptyBatch(), firedSchedules: [moved] });
      });
      expect(await later.loadSchedules([held.schedule.name])).toEqual({ found: [moved], busy: [] });
    });
  });

  it('one that the round has not locked is not written, nor removed, and nothing else of the batch is', async () => {
    const { first } = both();
    const [known, other] = [sampleSchedule(), sampleSchedule()];
    await commit(first, { schedules: [known] });
    for (const rows of [{ firedSchedules: [known] }, { removedSchedules: [known.schedule.name] }]) {
      const round = await first.round();
      await round.loadSchedules([other.schedule.name]);
      await expect(round.commit({ ...emptyBatch(), schedules: [other], ...rows })).rejects.toThrow(TypeError);
    }
    expect(await first.reads.schedule(other.schedule.name)).toBeNull();
  });

  it('one that is saved or removed is news to every process, and one that fires is not', async () => {
    const { first, second } = both();
    const stamp = async () => (await sharedOf(second).stamps()).schedules;
    const record = sampleSchedule();
    const before = await stamp();
    await commit(first, { schedules: [record] });
    expect(await stamp()).toBe(before + 1);
    await commit(first, { firedSchedules: [record] });
    expect(await stamp()).toBe(before + 1);
    await commit(first, { removedSchedules: [record.schedule.name] });
    expect(await stamp()).toBe(before + 2);
  });
}
