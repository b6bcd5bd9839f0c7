// Conformance: runs and tasks, and the searches over them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Json } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import { RUN_STATUSES } from '../model/run-status.ts';
import { anyRun, anyTask, commit, fresh, plain, sampleRun, sampleTask } from './conformance-samples.ts';
import type { LoadedRun, Store } from './port.ts';
import { FOUND_MAX, type RunFilter, type SearchOrder } from './reads.ts';

export function executionConformance(store: () => Store): void {
  describe('runs and tasks', () => roundTrips(store));
  describe('searches', () => searches(store));
  describe('the search', () => search(store));
  describe('pages of tasks', () => pages(store));
  describe('open runs', () => openRuns(store));
}

const allOf = (loaded: Pick<LoadedRun, 'run' | 'tasks'> | null) =>
  loaded && [plain(loaded.run), ...loaded.tasks.map(plain)];

function roundTrips(store: () => Store): void {
  it('gives back every field of a run and its tasks as it was', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, fc.array(anyTask, { maxLength: 4 }), async (runFields, taskFields) => {
        const key = fresh();
        const run: Run = { ...runFields, rowId: key, id: `run-${key}` };
        const tasks = taskFields.map((fields): Task => {
          const rowId = fresh();
          return { ...fields, rowId, id: `task-${rowId}`, runRowId: key };
        });
        tasks.sort((a, b) => a.seq - b.seq);
        await commit(store(), { newRuns: [run], newTasks: tasks });
        const round = await store().round();
        const [loaded = null] = (await round.loadRuns([{ rowId: key, revision: 0 }])).changed;
        await round.abandon();
        expect(allOf(loaded)).toEqual([plain(run), ...tasks.map(plain)]);
        expect(allOf(await store().reads.run(run.id, true))).toEqual(allOf(loaded));
      }),
      { numRuns: 60 },
    );
  });

  it('writes all that may change, and keeps the rest', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, anyTask, async (runFields, taskFields) => {
        const run = sampleRun({ input: Json.text(`"${'x'.repeat(3000)}"`) });
        const task = sampleTask(run, { input: Json.text(`"${'y'.repeat(3000)}"`) });
        await commit(store(), { newRuns: [run], newTasks: [task] });
        const changedRun = { ...run, ...changing(runFields, FIRST_CHANGING_OF_RUN) };
        const changedTask = { ...task, ...changing(taskFields, FIRST_CHANGING_OF_TASK) };
        await commit(store(), { changedRuns: [changedRun], changedTasks: [changedTask] });
        const found = await store().reads.run(run.id, true);
        expect(allOf(found)).toEqual([plain(changedRun), plain(changedTask)]);
      }),
      { numRuns: 40 },
    );
  });

  it('loads runs whole, tasks ascending by seq, and names those that are not there', async () => {
    const [first, second] = [sampleRun(), sampleRun()];
    const tasks = [sampleTask(first, { seq: 1 }), sampleTask(second), sampleTask(first, { seq: 2 })];
    await commit(store(), { newRuns: [first, second], newTasks: [...tasks].reverse() });
    const round = await store().round();
    const wanted = [second.rowId, 999_999_999, first.rowId].map((rowId) => ({ rowId, revision: 0 }));
    const { changed, busy, gone } = await round.loadRuns(wanted);
    await round.abandon();
    const found = new Map(changed.map((loaded) => [loaded.run.id, loaded]));
    expect([...found.keys()].sort()).toEqual([first.id, second.id].sort());
    expect([busy, gone]).toEqual([[], [999_999_999]]);
    expect(found.get(first.id)?.tasks.map(({ rowId }) => rowId)).toEqual([tasks[0]?.rowId, tasks[2]?.rowId]);
  });

  it('finds a run and a task by their public ids', async () => {
    const run = sampleRun();
    const task = sampleTask(run);
    await commit(store(), { newRuns: [run], newTasks: [task] });
    expect(await store().reads.runRowId(run.id)).toBe(run.rowId);
    expect(allOf(await store().reads.run(run.id, false))).toEqual([plain(run)]);
    const found = await store().reads.taskById(task.id);
    expect(found && [plain(found.task), plain(found.run)]).toEqual([plain(task), plain(run)]);
  });

  it('answers null for ids that are not there, whatever they hold', async () => {
    const run = sampleRun();
    await commit(store(), { newRuns: [run], newTasks: [sampleTask(run)] });
    for (const id of ['', "' or 1=1 --", `${run.id}\0`, `${run.id}\ud800`]) {
      expect(await store().reads.runRowId(id)).toBeNull();
      expect(await store().reads.run(id, true)).toBeNull();
      expect(await store().reads.taskById(id)).toBeNull();
      expect(await store().reads.snapshot(id)).toBeNull();
    }
  });

  it('removes a run with its tasks and logs, keeps its audit and every other run', async () => {
    const [gone, kept] = [sampleRun({ input: Json.text(`"${'x'.repeat(9000)}"`) }), sampleRun()];
    const [goneTask, keptTask] = [sampleTask(gone), sampleTask(kept)];
    const log = (task: Task) => ({ taskId: task.id, log: 'line', createdMs: 1 });
    await commit(store(), {
      newRuns: [gone, kept],
      newTasks: [goneTask, keptTask],
      logs: [log(goneTask), log(keptTask)],
    });
    await commit(store(), { changedRuns: [{ ...gone, status: 'TERMINATED' }], removedRuns: [gone.rowId] });
    expect(await store().reads.run(gone.id, true)).toBeNull();
    expect(await store().reads.taskById(goneTask.id)).toBeNull();
    expect(await store().reads.logs([goneTask.id])).toEqual([]);
    expect(allOf(await store().reads.run(kept.id, true))).toEqual([plain(kept), plain(keptTask)]);
    expect(await store().reads.logs([keptTask.id, goneTask.id])).toEqual([log(keptTask)]);
  });

  it('writes 10,000 tasks and their changes in one transaction each', async () => {
    const run = sampleRun();
    const tasks = Array.from({ length: 10_000 }, (_, i) => sampleTask(run, { seq: i + 1 }));
    await commit(store(), { newRuns: [run], newTasks: tasks });
    await commit(store(), { changedTasks: tasks.map((task) => ({ ...task, status: 'COMPLETED' as const })) });
    const page = await store().reads.tasksOf(run.rowId, { start: 9_998, count: 5 }, ['COMPLETED']);
    expect([page.total, page.tasks.map(({ seq }) => seq)]).toEqual([10_000, [9_999, 10_000]]);
  });
}

const FIRST_CHANGING_OF_RUN = 'status';
const FIRST_CHANGING_OF_TASK = 'status';

/** The fields from the "what changes" line on. */
function changing<Noun extends object>(noun: Noun, first: keyof Noun & string): Partial<Noun> {
  const entries = Object.entries(noun);
  const from = entries.findIndex(([field]) => field === first);
  const kept = entries.slice(0, from).map(([field]) => field);
  const changed: Partial<Noun> = { ...noun };
  for (const field of kept) Reflect.deleteProperty(changed, field);
  return changed;
}

function searches(store: () => Store): void {
  it('lists the ids of runs that are not over, by name, version and time of creation', async () => {
    const name = `searched-${fresh()}`;
    const at = (createdMs: number, over: Partial<Run> = {}) => sampleRun({ name, createdMs, ...over });
    const runs = [at(100), at(200, { version: 2 }), at(300, { status: 'PAUSED' }), at(400)];
    const over = at(200, { status: 'COMPLETED' });
    await commit(store(), { newRuns: [...runs, over, sampleRun({ createdMs: 200 })] });
    const [first, second, third] = runs.map(({ id }) => id);
    expect(await store().reads.runningIds(name, null, 100, 300)).toEqual([first, second, third]);
    expect(await store().reads.runningIds(name, 2, 0, 1000)).toEqual([second]);
    expect(await store().reads.runningIds(name, null, 101, 199)).toEqual([]);
  });

  it('finds runs by correlation id, closed ones on request, and only of that name', async () => {
    const [name, correlationId] = [`correlated-${fresh()}`, `order "${fresh()}" \0`];
    const open = sampleRun({ name, correlationId });
    const closed = sampleRun({ name, correlationId, status: 'FAILED' });
    const others = [
      sampleRun({ name: 'other', correlationId }),
      sampleRun({ name, correlationId: 'x' }),
      sampleRun({ name }),
    ];
    await commit(store(), { newRuns: [open, closed, ...others] });
    const found = async (ids: string[], includeClosed: boolean) =>
      (await store().reads.correlated(name, ids, includeClosed)).map(plain);
    expect(await found([correlationId, 'y'], false)).toEqual([plain(open)]);
    expect(await found([correlationId], true)).toEqual([plain(open), plain(closed)]);
    expect(await found([], true)).toEqual([]);
  });

  it('finds the newest run of an idempotency key, per name', async () => {
    const key = `once-${fresh()}`;
    const older = sampleRun({ idempotencyKey: key });
    const newer = sampleRun({ idempotencyKey: key, status: 'COMPLETED' });
    await commit(store(), { newRuns: [older, newer, sampleRun({ name: 'other', idempotencyKey: key })] });
    const round = await store().round();
    const startKeys = ['', 'x', ''].map((more) => ({ name: 'billing', key: `${key}${more}` }));
    const started = await round.startedWith(startKeys);
    await round.abandon();
    expect(started).toEqual([{ id: newer.id, status: 'COMPLETED' }, null, { id: newer.id, status: 'COMPLETED' }]);
  });
}

const ANY_RUN: RunFilter = {
  ids: null,
  names: null,
  correlationIds: null,
  versions: null,
  priorities: null,
  statuses: RUN_STATUSES,
  started: { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER },
  ended: null,
  updated: null,
  text: null,
};

function search(store: () => Store): void {
  const found = async (filter: Partial<RunFilter>, order: SearchOrder = 'newest', start = 0, count = 10) => {
    const { total, runs } = await store().reads.searchRuns({ ...ANY_RUN, ...filter }, order, { start, count });
    return [total, ...runs.map(({ id }) => id)];
  };
  /** Runs of a name of their own, oldest first, at a time that no other run of the suite has. */
  const started = async (...runs: Partial<Run>[]) => {
    const name = `sought-${fresh()}`;
    const fromMs = 3_000_000_000_000 + 1000 * fresh();
    const made = runs.map((over, i) => sampleRun({ name, createdMs: fromMs + i, ...over }));
    await commit(store(), { newRuns: [...made].reverse() });
    return { name, made, ids: made.map(({ id }) => id), at: { fromMs, toMs: fromMs + 999 } };
  };

  it('pages through all runs by when they started, newest or oldest first, with the total', async () => {
    const { ids, at } = await started({}, { status: 'COMPLETED' }, { status: 'FAILED' }, { status: 'PAUSED' });
    const [first, second, third, last] = ids;
    expect(await found({ started: at })).toEqual([4, last, third, second, first]);
    expect(await found({ started: at }, 'oldest', 1, 2)).toEqual([4, second, third]);
    expect(await found({ started: at }, 'newest', 4)).toEqual([4]);
    expect(await found({ started: { fromMs: at.fromMs + 1, toMs: at.fromMs + 2 } })).toEqual([2, third, second]);
  });

  it('gives runs that started in the same millisecond the same order on every page', async () => {
    const createdMs = 4_000_000_000_000 + fresh();
    const { name, ids } = await started({ createdMs }, { createdMs }, { createdMs });
    const [, ...whole] = await found({ names: [name] });
    const paged = await Promise.all([0, 1, 2].map((start) => found({ names: [name] }, 'newest', start, 1)));
    expect(paged.map(([, id]) => id)).toEqual(whole);
    expect([...whole].sort()).toEqual([...ids].sort());
  });

  it('gives back every field of a run but its payloads', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, async (fields) => {
        const rowId = fresh();
        const run: Run = { ...fields, rowId, id: `run-${rowId}` };
        await commit(store(), { newRuns: [run] });
        const { runs } = await store().reads.searchRuns({ ...ANY_RUN, ids: [run.id] }, 'newest', {
          start: 0,
          count: 2,
        });
        const { input, output, variables, ...head } = run;
        expect(runs).toEqual([head]);
      }),
      { numRuns: 30 },
    );
  });

  it('finds by name, status, id, correlation id, version, priority and times, and by all of them together', async () => {
    const correlationId = `order "${fresh()}" \0`;
    const over = { status: 'COMPLETED' as const, endedMs: 700, updatedMs: 600 };
    const { name, made, ids } = await started(
      { ...over, correlationId },
      { ...over, version: 2, endedMs: 800, updatedMs: 900 },
      { priority: 7 },
      { status: 'FAILED', correlationId, endedMs: 710 },
      { status: 'PAUSED' },
    );
    const [completed, second, urgent, failed, paused] = ids;
    const names = [name, 'nobody'];
    const range = (fromMs: number, toMs: number) => ({ fromMs, toMs });
    expect(await found({ names })).toEqual([5, ...[...ids].reverse()]);
    expect(await found({ names, statuses: ['RUNNING', 'PAUSED'] })).toEqual([2, paused, urgent]);
    expect(await found({ names, statuses: ['RUNNING'] }, 'oldest')).toEqual([1, urgent]);
    expect(await found({ names, statuses: ['FAILED', 'TIMED_OUT'] })).toEqual([1, failed]);
    expect(await found({ names, statuses: ['FAILED', 'COMPLETED'] })).toEqual([3, failed, second, completed]);
    expect(await found({ ids: [failed ?? '', completed ?? '', 'none'] })).toEqual([2, failed, completed]);
    expect(await found({ ids: [failed ?? ''], names: ['nobody'] })).toEqual([0]);
    expect(await found({ correlationIds: [correlationId, 'none'] })).toEqual([2, failed, completed]);
    expect(await found({ correlationIds: [correlationId], statuses: ['FAILED'] })).toEqual([1, failed]);
    expect(await found({ names, versions: [2, 3] })).toEqual([1, second]);
    expect(await found({ names, priorities: [7] })).toEqual([1, urgent]);
    expect(await found({ names, ended: range(0, 700) })).toEqual([1, completed]);
    expect(await found({ names, ended: range(701, 900) })).toEqual([2, failed, second]);
    expect(await found({ names, updated: range(600, 600) })).toEqual([1, completed]);
    expect(await found({ names, correlationIds: [correlationId], versions: [1], ended: range(710, 710) })).toEqual([
      1,
      failed,
    ]);
    for (const text of [made[0]?.id ?? '', correlationId]) expect((await found({ text })).at(-1)).toBe(completed);
    expect(await found({ text: name, statuses: ['FAILED'] })).toEqual([1, failed]);
    expect(await found({ text: correlationId, names: ['nobody'] })).toEqual([0]);
    expect(await found({ names: [] })).toEqual([0]);
  });

  it('finds open and unsuccessful runs of every name', async () => {
    const { ids, at } = await started({}, { status: 'TIMED_OUT' }, { status: 'COMPLETED' }, { status: 'PAUSED' });
    expect(await found({ started: at, statuses: ['RUNNING', 'PAUSED'] })).toEqual([2, ids[3], ids[0]]);
    expect(await found({ started: at, statuses: ['TIMED_OUT'] })).toEqual([1, ids[1]]);
    expect(await found({ started: at, statuses: ['COMPLETED'] })).toEqual([1, ids[2]]);
  });

  it('counts no further than its bound, and pages as far', async () => {
    const many = Array.from({ length: FOUND_MAX + 1 }, () => ({}));
    const { name, ids } = await started(...many);
    expect(await found({ names: [name] }, 'newest', 0, 1)).toEqual([FOUND_MAX, ids.at(-1)]);
    expect(await found({ names: [name] }, 'oldest', FOUND_MAX - 1, 1)).toEqual([FOUND_MAX, ids.at(-2)]);
  });

  it('lists the names that runs have', async () => {
    const [one, two] = [(await started({}, {})).name, (await started({})).name];
    const names = await store().reads.runNames(1000);
    expect(names.filter((name) => name === one || name === two).sort()).toEqual([one, two].sort());
    expect(await store().reads.runNames(2)).toHaveLength(2);
  });
}

function pages(store: () => Store): void {
  it('gives one page in order of seq, with the total of the statuses asked for', async () => {
    const run = sampleRun();
    const seqs = [5, 3, 1, 4, 2];
    const tasks = seqs.map((seq) => sampleTask(run, { seq, status: seq > 3 ? 'SCHEDULED' : 'COMPLETED' }));
    await commit(store(), { newRuns: [run, sampleRun()], newTasks: tasks });
    const page = async (start: number, count: number, statuses: string[]) => {
      const { total, tasks: found } = await store().reads.tasksOf(run.rowId, { start, count }, statuses);
      return [total, found.map(({ seq }) => seq)];
    };
    expect(await page(0, 10, [])).toEqual([5, [1, 2, 3, 4, 5]]);
    expect(await page(1, 2, [])).toEqual([5, [2, 3]]);
    expect(await page(1, 2, ['COMPLETED'])).toEqual([3, [2, 3]]);
    expect(await page(0, 9, ['SCHEDULED', 'FAILED'])).toEqual([2, [4, 5]]);
    expect(await page(9, 9, [])).toEqual([5, []]);
  });
}

function openRuns(store: () => Store): void {
  it('pages through the runs that are not over, with those of their tasks that are not', async () => {
    const after = fresh();
    const running = sampleRun({ priority: 7, dueMs: 42 });
    const paused = sampleRun({ status: 'PAUSED' });
    const over = sampleRun({ status: 'TIMED_OUT' });
    const open = sampleTask(running, {
      status: 'IN_PROGRESS',
      domain: 'eu',
      visibleMs: 1,
      dueMs: 2,
      startedMs: 3,
      seq: 9,
    });
    const tasks = [sampleTask(running, { status: 'COMPLETED' }), open, sampleTask(over)];
    await commit(store(), { newRuns: [running, paused, over], newTasks: tasks });
    const first = await store().reads.openRuns(after, 1);
    expect(first).toEqual([
      {
        rowId: running.rowId,
        id: running.id,
        name: 'billing',
        priority: 7,
        status: 'RUNNING',
        dueMs: 42,
        tasks: [
          {
            rowId: open.rowId,
            id: open.id,
            queue: 'charge',
            domain: 'eu',
            defName: 'charge',
            status: 'IN_PROGRESS',
            visibleMs: 1,
            dueMs: 2,
            startedMs: 3,
            seq: 9,
          },
        ],
      },
    ]);
    const second = await store().reads.openRuns(running.rowId, 10);
    expect(second.map(({ id, status, tasks: left }) => [id, status, left])).toEqual([[paused.id, 'PAUSED', []]]);
    expect(await store().reads.openRuns(paused.rowId, 10)).toEqual([]);
  });
}
