// Conformance: the search over tasks, and over runs by their tasks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Run, Task } from '../model/run.ts';
import { TASK_STATUSES } from '../model/task-status.ts';
import { anyRun, anyTask, commit, fresh, sampleRun, sampleTask } from './conformance-samples.ts';
import type { Store } from './port.ts';
import { FOUND_MAX, type SearchOrder, type TaskFilter } from './reads.ts';

const ANY_TASK: TaskFilter = {
  ids: null,
  runIds: null,
  names: null,
  correlationIds: null,
  types: null,
  defNames: null,
  refs: null,
  statuses: TASK_STATUSES,
  scheduled: null,
  started: null,
  ended: null,
  updated: null,
  text: null,
};

const range = (fromMs: number, toMs: number) => ({ fromMs, toMs });

export function taskSearchConformance(store: () => Store): void {
  const found = async (filter: Partial<TaskFilter>, order: SearchOrder = 'newest', start = 0, count = 10) => {
    const { total, tasks } = await store().reads.searchTasks({ ...ANY_TASK, ...filter }, order, { start, count });
    return [total, ...tasks.map(({ task }) => task.id)];
  };
  const foundRuns = async (filter: Partial<TaskFilter>, order: SearchOrder = 'newest', start = 0, count = 10) => {
    const page = { start, count };
    const { total, runs } = await store().reads.searchRunsByTasks({ ...ANY_TASK, ...filter }, order, page);
    return [total, ...runs.map(({ id }) => id)];
  };
  /** A run of a name of its own with these tasks, scheduled one after another, at a time that no other run has. */
  const made = async (over: Partial<Run>, ...tasks: Partial<Task>[]) => {
    const createdMs = 3_000_000_000_000 + 1000 * fresh();
    const run = sampleRun({ name: `sought-${fresh()}`, createdMs, lastSeq: tasks.length, ...over });
    const newTasks = tasks.map((task, i) => sampleTask(run, { seq: i + 1, scheduledMs: run.createdMs + i, ...task }));
    await commit(store(), { newRuns: [run], newTasks: [...newTasks].reverse() });
    return { run, names: [run.name, 'nobody'], ids: newTasks.map(({ id }) => id), atMs: run.createdMs };
  };

  describe('the search over tasks', () => {
    it('pages through all tasks by when they began, or were scheduled, with the total', async () => {
      const { ids, atMs } = await made({}, {}, {}, {}, {});
      const [first, second, third, last] = ids;
      const scheduled = range(atMs, atMs + 999);
      expect(await found({ scheduled })).toEqual([4, last, third, second, first]);
      expect(await found({ scheduled }, 'oldest', 1, 2)).toEqual([4, second, third]);
      expect(await found({ scheduled }, 'newest', 4)).toEqual([4]);
      expect(await found({ scheduled: range(atMs + 1, atMs + 2) })).toEqual([2, third, second]);
      const begun = await made({}, { startedMs: atMs + 70 }, { startedMs: atMs + 60 });
      expect(await found({ names: begun.names })).toEqual([2, ...begun.ids]);
    });

    it('gives back every field of a task but its payloads, and what is told of its run', async () => {
      await fc.assert(
        fc.asyncProperty(anyRun, anyTask, async (runFields, taskFields) => {
          const rowId = fresh();
          const run: Run = { ...runFields, rowId, id: `run-${rowId}` };
          const task: Task = { ...taskFields, rowId, id: `task-${rowId}`, runRowId: rowId };
          await commit(store(), { newRuns: [run], newTasks: [task] });
          const named = { types: [task.type], defNames: [task.defName], refs: [task.ref], names: [run.name] };
          const filter = { ...ANY_TASK, ...named, ids: [task.id] };
          const { tasks } = await store().reads.searchTasks(filter, 'newest', { start: 0, count: 2 });
          const { input, output, fragment, ...head } = task;
          const { id, name, correlationId, priority } = run;
          expect(tasks).toEqual([{ task: head, run: { id, name, correlationId, priority } }]);
        }),
        { numRuns: 40 },
      );
    });

    it('finds by each condition, and by all of them together', async () => {
      const correlationId = `order "${fresh()}" \0`;
      const over = { status: 'COMPLETED' as const, startedMs: 500, endedMs: 700, updatedMs: 600 };
      const { run, names, ids } = await made(
        { correlationId, createdMs: 400 },
        { ...over, type: 'HTTP', defName: 'fetch', ref: 'say "type":"charge"' },
        { ...over, ref: 'a\0\\', startedMs: 510, endedMs: 710 },
        { ...over, type: 'fetch', defName: 'fetch', updatedMs: 900 },
        { type: 'charge"', defName: 'charge', scheduledMs: 900 },
      );
      const [http, charge, fetch, odd] = ids;
      expect(await found({ names }, 'oldest')).toEqual([4, http, fetch, charge, odd]);
      for (const filter of [{ runIds: [run.id, 'none'] }, { correlationIds: [correlationId, 'none'] }]) {
        expect((await found(filter))[0]).toBe(4);
        expect(await found({ ...filter, types: ['HTTP'] })).toEqual([1, http]);
        expect(await found({ ...filter, names: ['nobody'] })).toEqual([0]);
      }
      expect(await found({ ids: [http ?? '', 'none'] })).toEqual([1, http]);
      expect(await found({ ids: [http ?? ''], runIds: ['none'] })).toEqual([0]);
      expect(await found({ ids: [http ?? ''], names: ['nobody'] })).toEqual([0]);
      expect(await found({ names, types: ['charge'] })).toEqual([1, charge]);
      expect(await found({ names, types: ['charge"', 'fetch'] }, 'oldest')).toEqual([2, fetch, odd]);
      expect(await found({ names, defNames: ['fetch'] }, 'oldest')).toEqual([2, http, fetch]);
      expect(await found({ names, defNames: ['charge'] }, 'oldest')).toEqual([2, charge, odd]);
      expect(await found({ names, refs: ['say "type":"charge"', 'a\0\\'] }, 'oldest')).toEqual([2, http, charge]);
      expect(await found({ names, statuses: ['SCHEDULED', 'FAILED'] })).toEqual([1, odd]);
      expect(await found({ names, started: range(501, 600) })).toEqual([1, charge]);
      expect(await found({ names, ended: range(700, 700) }, 'oldest')).toEqual([2, http, fetch]);
      expect(await found({ names, updated: range(601, 900) })).toEqual([1, fetch]);
      expect(await found({ names, types: ['fetch'], updated: range(0, 600) })).toEqual([0]);
      expect([await found({ names: [] }), await found({ statuses: [] })]).toEqual([[0], [0]]);
    });

    it('finds by text: the id of a task, or the id, the name or the correlation id of its run', async () => {
      const correlationId = `order ${fresh()}`;
      const { run, ids } = await made({ correlationId }, { status: 'COMPLETED' }, {});
      for (const text of [run.id, run.name, correlationId]) {
        expect(await found({ text })).toEqual([2, ids[1], ids[0]]);
        expect(await found({ text, runIds: [run.id], statuses: ['SCHEDULED'] })).toEqual([1, ids[1]]);
        expect(await found({ text, names: ['nobody'] })).toEqual([0]);
      }
      expect(await found({ text: ids[0] ?? '' })).toEqual([1, ids[0]]);
      expect(await found({ text: ids[0] ?? '', runIds: [run.id] })).toEqual([1, ids[0]]);
      expect(await found({ text: ids[0] ?? '', names: ['nobody'] })).toEqual([0]);
    });

    it('finds the runs of such tasks, each once, by when they started', async () => {
      const [type, failed] = [`type-${fresh()}`, { status: 'FAILED' as const }];
      const older = await made({}, { type, ...failed }, { type, ...failed }, { type });
      const newer = await made({ status: 'FAILED' }, { type, ...failed });
      const names = [older.run.name, newer.run.name];
      expect(await foundRuns({ names, types: [type] })).toEqual([2, newer.run.id, older.run.id]);
      expect(await foundRuns({ types: [type], statuses: ['FAILED'] }, 'oldest')).toEqual([
        2,
        older.run.id,
        newer.run.id,
      ]);
      expect(await foundRuns({ names, types: [type] }, 'newest', 1, 5)).toEqual([2, older.run.id]);
      expect(await foundRuns({ names, types: [type] }, 'newest', 2, 5)).toEqual([2]);
      expect(await foundRuns({ names, types: [type], statuses: ['SCHEDULED'] })).toEqual([1, older.run.id]);
      expect(await foundRuns({ names: ['nobody'], types: [type] })).toEqual([0]);
    });

    it('looks no further than its bound, but for tasks that are open and those that went wrong', async () => {
      const name = `sought-${fresh()}`;
      const [perRun, count] = [100, FOUND_MAX / 100 + 1];
      const fromMs = 5_000_000_000_000;
      const status = 'COMPLETED' as const;
      const runs = Array.from({ length: count }, (_, i) =>
        sampleRun({ name, status: i === 0 ? 'RUNNING' : status, createdMs: fromMs + 1000 * i, lastSeq: perRun }),
      );
      const tasks = runs.flatMap((run) =>
        Array.from({ length: perRun }, (_, i) =>
          sampleTask(run, { seq: i + 1, scheduledMs: run.createdMs + i, status }),
        ),
      );
      const [wrong, open] = [0, 1].map((i) => tasks[i]?.id);
      const fate = (task: Task) => (task.id === wrong ? 'FAILED' : task.id === open ? 'IN_PROGRESS' : task.status);
      const newTasks = tasks.map((task): Task => ({ ...task, status: fate(task) }));
      await commit(store(), { newRuns: runs, newTasks });
      const names = [name];
      expect(await found({ names }, 'newest', 0, 1)).toEqual([FOUND_MAX, tasks.at(-1)?.id]);
      expect(await found({ names }, 'newest', FOUND_MAX - 1, 1)).toEqual([FOUND_MAX, tasks[perRun]?.id]);
      expect(await found({ names }, 'oldest', FOUND_MAX - 1, 1)).toEqual([FOUND_MAX, tasks[FOUND_MAX - 1]?.id]);
      expect(await found({ names, statuses: ['FAILED'] })).toEqual([1, wrong]);
      expect(await found({ names, statuses: ['IN_PROGRESS', 'SCHEDULED'] })).toEqual([1, open]);
      expect(await found({ scheduled: range(fromMs, fromMs) })).toEqual([1, wrong]);
      expect(await foundRuns({ names, statuses: ['FAILED', 'COMPLETED'] }, 'newest', 0, 1)).toEqual([
        count - 1,
        runs.at(-1)?.id,
      ]);
    });

    it('looks at the newest tasks of a run that has more than that', async () => {
      const run = sampleRun({ lastSeq: FOUND_MAX + 1 });
      const all = Array.from({ length: FOUND_MAX + 1 }, (_, i) =>
        sampleTask(run, { seq: i + 1, scheduledMs: run.createdMs + i }),
      );
      await commit(store(), { newRuns: [run], newTasks: all.slice(0, -1) });
      await commit(store(), { newTasks: all.slice(-1) });
      expect(await found({ runIds: [run.id] }, 'newest', 0, 1)).toEqual([FOUND_MAX, all.at(-1)?.id]);
    });
  });
}
