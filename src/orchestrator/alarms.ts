// Timers that are due: decided in one operation with a single writer, each by itself in a shared store, where one busy run
// must hold up no other. Owns the alarm. Must never fire what the round finds no longer due.
import type { WriteBatch } from '../store/write-batch.ts';
import type { RoundPart } from './give-back.ts';
import { Wakeups } from './wakeups.ts';

/** Timers decided in one operation. */
const TIMERS_PER_ROUND = 500;

export interface AlarmsOptions {
  readonly core: RoundPart;
  readonly shared: boolean;
  /** Serves a queue in the next round. */
  readonly touch: (key: string) => void;
  /** Memory mirrors the store, and the server is not stopping. */
  readonly mayRing: () => boolean;
}

export class Alarms {
  readonly #options: AlarmsOptions;
  readonly #wakeups: Wakeups;
  #ringing = false;

  constructor(options: AlarmsOptions) {
    this.#options = options;
    this.#wakeups = new Wakeups(options.core.clock, () => this.#ring());
  }

  /** Due timers have been taken out and are about to be decided: memory is ahead of the store. */
  get ringing(): boolean {
    return this.#ringing;
  }

  /** A queue is to be served again at this instant. */
  queueAt(key: string, atMs: number): void {
    this.#wakeups.queueAt(key, atMs);
  }

  /** After what may have changed the next timer; while some are being decided their round sees to it. */
  rearm(): void {
    if (!this.#ringing) this.#wakeups.rearm(this.#options.core.schedule.nextDueMs);
  }

  lost(): void {
    this.#ringing = false;
  }

  stop(): void {
    this.#wakeups.stop();
  }

  /** `taskRowId` 0: the run's own timer. */
  fire(runRowId: number, taskRowId: number): void {
    void this.#options.core.background([runRowId], (batch, now) => this.#decide(runRowId, taskRowId, batch, now));
  }

  #ring(): void {
    const { core, shared, touch, mayRing } = this.#options;
    if (this.#ringing || !mayRing()) return;
    const { schedule } = core;
    const now = core.clock.now();
    const due = schedule.takeDue(now, TIMERS_PER_ROUND);
    for (const key of this.#wakeups.takeDueQueues(now)) schedule.touched.add(key);
    if (shared) {
      for (const entry of due.tasks) this.fire(entry.run.rowId, entry.rowId);
      for (const rowId of due.runs) this.fire(rowId, 0);
      for (const key of schedule.touched) touch(key);
      this.rearm();
      return;
    }
    this.#ringing = true;
    const runRowIds = new Set([...due.runs, ...due.tasks.map((entry) => entry.run.rowId)]);
    void core.background([...runRowIds], (batch, at) => {
      this.#ringing = false;
      for (const entry of due.tasks) this.#decide(entry.run.rowId, entry.rowId, batch, at);
      for (const rowId of due.runs) this.#decide(rowId, 0, batch, at);
    });
  }

  #decide(runRowId: number, taskRowId: number, batch: WriteBatch, now: number): void {
    const { cache, advance, schedule } = this.#options.core;
    const cached = cache.get(runRowId);
    if (!cached) return;
    advance.event(cached, { kind: 'timer', taskRowId }, batch, now);
    schedule.rearm(cached.state.run, cached.state.tasks.get(taskRowId));
  }
}
