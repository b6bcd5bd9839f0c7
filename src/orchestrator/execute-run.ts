// Runs a definition for a caller who waits for its result. As long as nothing but workers of this process is needed the
// run goes on in memory, and is written once: when it ends, or when it first needs somebody outside (a worker, a person,
// a timer, another run). Must never answer before what it answers is committed.
import { indexRun } from '../engine/decide/run-state.ts';
import { Json } from '../model/json.ts';
import type { Snapshot } from '../model/run.ts';
import type { Core } from './core.ts';
import { MemoryRun } from './memory-run.ts';
import type { ExecuteRequest } from './orchestrator-api.ts';
import type { InProcessWorker } from './ports.ts';
import { settledView, type WatchedRun } from './run-watch.ts';

/** Resolves with null when the caller's patience ended first; the run goes on. Throws AppError as `start` does. */
export function executeRun(
  core: Core,
  workers: ReadonlyMap<string, InProcessWorker>,
  request: ExecuteRequest,
): Promise<WatchedRun | null> {
  const { definition, durable, detached } = request;
  // Run keys are issued, and revoked, in the transactions that begin and end a run.
  if (durable || detached || definition.budget) return startAndWatch(core, request);
  const { plan, snapshot } = core.definitions.freeze(definition);
  const { clock, hooks, newRunRowId, payloadBytesMax } = core;
  const { context } = core.advance;
  const memory = new MemoryRun({ clock, context, hooks, newRunRowId, payloadBytesMax, workers }, plan, request);
  const playing = memory.play();
  // Steps that answer at once are through by now: nobody has waited, so nobody need be timed.
  return memory.ended ? commitRun(core, memory, snapshot, request) : playOn(core, memory, playing, snapshot, request);
}

async function playOn(
  core: Core,
  memory: MemoryRun,
  playing: Promise<void>,
  snapshot: Snapshot,
  request: ExecuteRequest,
): Promise<WatchedRun | null> {
  const commit = () => commitRun(core, memory, snapshot, request);
  if (await endsWithin(playing, request.waitMs)) return commit();
  // Its caller has been told; should the store not take it, the loop has logged that.
  void playing.then(commit).catch(() => undefined);
  return null;
}

/** Writes a run that has come to its end in memory, or to where it needs somebody outside. */
function commitRun(
  core: Core,
  memory: MemoryRun,
  snapshot: Snapshot,
  request: ExecuteRequest,
): Promise<WatchedRun | null> {
  const { run, tasks } = memory.state;
  const settled = settledView(run, tasks.values());
  if (settled && request.failuresOnly && run.status === 'COMPLETED') return Promise.resolve(settled);
  const watched = settled ? null : core.watch.until(run.id, request.waitMs);
  const written = memory.ended ? null : [...tasks.values()];
  const committed = core.loop.submit({
    load: (round) => core.load(round, []),
    decide: (batch, now) => {
      // Anew for every try: what the loop does with an adopted run changes its state in place. An ended one stays as it is.
      const state = written ? indexRun(run, written) : memory.state;
      const cached = { plan: memory.plan, state, revision: 0 };
      core.advance.adopt(cached, snapshot, memory.effects, batch, now);
    },
  });
  return committed.then(() => settled ?? watched);
}

/** `waitMs` 0: as long as it takes. */
async function endsWithin(playing: Promise<void>, waitMs: number): Promise<boolean> {
  if (waitMs === 0) return playing.then(() => true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  try {
    return await Promise.race([playing.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function startAndWatch(core: Core, request: ExecuteRequest): Promise<WatchedRun | null> {
  const { id, definition, input, createdBy, variables, detached, waitMs } = request;
  const watched = detached ? null : core.watch.until(id, waitMs);
  await core.loop.submit({
    load: (round) => core.load(round, []),
    decide: (batch, now) => {
      const seed = { id, rootId: id, definition, input, createdBy, correlationId: null, priority: 0, taskToDomain: {} };
      core.advance.create(
        { ...seed, input: Json.of(seed.input), idempotencyKey: null, parent: null, variables },
        batch,
        now,
      );
    },
  });
  return watched;
}
