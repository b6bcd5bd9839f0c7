// Tasks that were handed out and that nobody works on, back into their queues at once, not after a response time-out.
// Must never take back what somebody else was given meanwhile.
import type { TaskUpdate } from '../engine/decide/decision.ts';
import type { Task } from '../model/run.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { Core } from './core.ts';
import type { HandedTask } from './orchestrator-api.ts';

export type RoundPart = Pick<Core, 'loop' | 'load' | 'background' | 'cache' | 'advance' | 'schedule' | 'clock'>;

export class GiveBack {
  readonly #core: RoundPart;

  constructor(core: RoundPart) {
    this.#core = core;
  }

  /** Of a worker that is gone. */
  ofWorker(runRowId: number, taskRowId: number, workerId: string | null): void {
    void this.#core.background([runRowId], (batch, now) => {
      this.#requeue(runRowId, taskRowId, (task) => task.workerId === workerId, batch, now);
    });
  }

  /** Of a hand-out that is itself in doubt: a later one, to the same worker, stands. Rejects when the store is away. */
  async handedOut({ task: { runRowId, rowId, workerId, updatedMs } }: HandedTask): Promise<void> {
    const core = this.#core;
    const isThis = (task: Task) => task.workerId === workerId && task.updatedMs === updatedMs;
    await core.loop.submit({
      load: (round) => core.load(round, [runRowId]),
      decide: (batch, now) => this.#requeue(runRowId, rowId, isThis, batch, now),
    });
  }

  #requeue(
    runRowId: number,
    taskRowId: number,
    isMeant: (task: Task) => boolean,
    batch: WriteBatch,
    now: number,
  ): void {
    const cached = this.#core.cache.get(runRowId);
    const task = cached?.state.tasks.get(taskRowId);
    if (!cached || task?.status !== 'IN_PROGRESS' || !isMeant(task)) return;
    this.#core.advance.event(cached, { kind: 'update', taskRowId, update: givenBack(task) }, batch, now);
  }
}

/** As if it had not been handed out. */
function givenBack(task: Task): TaskUpdate {
  return {
    status: 'IN_PROGRESS',
    output: task.output,
    reason: task.reason,
    workerId: null,
    callbackAfterSeconds: 0,
    extendLease: false,
  };
}
