// Callers who wait for a run as Conductor's do: until it ends, until it cannot go on by itself, or until a step they name
// has ended. Children are looked at too. Told by commits, never by a clock; must hold no run in memory.
import type { Run, Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import { isTerminal } from '../model/task-status.ts';
import type { Reads } from '../store/reads.ts';
import type { Core } from './core.ts';
import type { AwaitedRun, AwaitRequest, BlockedRun } from './orchestrator-api.ts';

/** Of a fork of many workflows, this many are looked at for one that waits. */
const CHILDREN_MAX = 50;

type StoredRun = NonNullable<Awaited<ReturnType<Reads['run']>>>;

/** Null when there is no such run. With `waitMs` 0: as it is now. */
export async function awaitRun(core: Core, request: AwaitRequest): Promise<AwaitedRun | null> {
  const { runId, refs, waitMs, signal } = request;
  const untilMs = core.clock.now() + waitMs;
  let watched: readonly string[] = [runId];
  for (;;) {
    const round = new AbortController();
    try {
      const leftMs = untilMs - core.clock.now();
      // Watched first and read then: what is committed in between is not missed.
      const news =
        leftMs > 0 ? watched.map((id) => core.watch.when(id, leftMs, newsOf(watched, refs), round.signal)) : [];
      const stored = await core.reads.run(runId, true);
      if (!stored) return null;
      const { blocked, children } = await findBlocked(core.reads, stored);
      const settled = isRunTerminal(stored.run.status) || blocked !== null || hasEnded(stored.tasks, refs);
      if (settled || leftMs <= 0 || signal?.aborted) return { ...stored, blocked, isLate: !settled };
      const isKnown = children.every((id) => watched.includes(id));
      watched = [runId, ...children];
      if (isKnown) await Promise.race([...news, aborted(signal, round.signal)]);
    } finally {
      round.abort();
    }
  }
}

/** An open task that goes on only when somebody says so. */
function waitsForSomebody({ type, status, visibleMs }: Task): boolean {
  return status === 'IN_PROGRESS' && (type === 'HUMAN' || (type === 'WAIT' && visibleMs === 0));
}

function hasEnded(tasks: Iterable<Task>, refs: readonly string[]): boolean {
  if (refs.length === 0) return false;
  for (const { ref, step, status, retried } of tasks) {
    if ((refs.includes(ref) || refs.includes(step)) && isTerminal(status) && !retried) return true;
  }
  return false;
}

function openChildren(tasks: Iterable<Task>): string[] {
  const ids: string[] = [];
  for (const { type, status, subRunId } of tasks) {
    if (type === 'SUB_WORKFLOW' && subRunId !== null && !isTerminal(status)) ids.push(subRunId);
  }
  return ids.slice(0, CHILDREN_MAX);
}

interface Found {
  readonly blocked: BlockedRun | null;
  readonly children: readonly string[];
}

/** The first task that waits for somebody, in the run itself or in what it started and waits for. */
async function findBlocked(reads: Reads, { run, tasks }: StoredRun): Promise<Found> {
  if (isRunTerminal(run.status)) return { blocked: null, children: [] };
  const task = tasks.find(waitsForSomebody);
  if (task) return { blocked: { run, tasks, task }, children: [] };
  const children: string[] = [];
  for (const id of openChildren(tasks)) {
    children.push(id);
    const child = await reads.run(id, true);
    const found = child && (await findBlocked(reads, child));
    if (found?.blocked) return found;
    children.push(...(found?.children ?? []));
  }
  return { blocked: null, children: children.slice(0, CHILDREN_MAX) };
}

/** Whether a commit may have changed the answer; it is read anew then. */
function newsOf(watched: readonly string[], refs: readonly string[]) {
  return (run: Run, tasks: Iterable<Task>): true | null => {
    if (isRunTerminal(run.status)) return true;
    const all = [...tasks];
    const isNews = all.some(waitsForSomebody) || hasEnded(all, refs);
    return isNews || openChildren(all).some((id) => !watched.includes(id)) ? true : null;
  };
}

/** Resolves when the caller has gone; let go of with the round. */
function aborted(signal: AbortSignal | undefined, round: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    signal?.addEventListener('abort', () => resolve(null), { signal: round });
  });
}
