// What a process looks after because it shares its store with others that may die: timers that nobody fired, signals
// that nobody applied, tasks whose process is gone, wake-ups that were lost. A slow look every so often; on the normal
// path it finds nothing. Must never decide anything: it hands what it finds to the loop.

import type { OrphanTask, OverdueTimer, SharedStore } from '../store/shared-port.ts';
import type { Signal } from '../store/write-batch.ts';
import type { Clock } from './ports.ts';

/** What waits at most this long for its owner's death to be noticed. */
const EVERY_MS = 1_000;
/** Who set a timer or left a signal is given this long: it is usually alive and about to act. */
const GRACE_MS = 500;
/** A process that has not been heard of for so long is taken for dead: its in-process tasks are given to others. */
export const SILENT_MS = 15_000;
/** More than two heartbeats, and so much less than the silence that two such gaps do not make one. */
const CUT_OFF_MS = SILENT_MS / 2;
const HEARTBEAT_TICKS = 3;
const FOUND_MAX = 500;

export interface SweepOptions {
  readonly shared: SharedStore;
  readonly processId: string;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly timer: (timer: OverdueTimer) => void;
  readonly signal: (signal: Signal) => void;
  readonly orphan: (task: OrphanTask) => void;
  /** Looks for ready tasks at every queue that somebody waits at here. */
  readonly touchWaiting: () => void;
  /** What others have written of seldom-changed nouns: a schedule comes due also where nobody asks for anything. */
  readonly freshen: () => Promise<void>;
  readonly refreshPolls: () => Promise<void>;
}

export class Sweep {
  readonly #options: SweepOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ticks = 0;
  #heartbeatMs = 0;
  /** When this process came back from a time in which it did not reach the store. */
  #backMs = 0;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Resolves when this process is known to be alive: it may claim tasks from then on. */
  async start(): Promise<void> {
    await this.#beat();
    this.#next();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** What ran inside this process and has not ended is for the others to run again, without a wait. */
  async leave(): Promise<void> {
    await this.#options.shared.leave(this.#options.processId).catch(() => undefined);
  }

  /** One look. Rejects when the store does not answer. */
  async look(): Promise<void> {
    const { shared, clock, timer, signal, orphan, touchWaiting, freshen, refreshPolls } = this.#options;
    const before = clock.now() - GRACE_MS;
    touchWaiting();
    await freshen();
    for (const found of await shared.overdue(before, FOUND_MAX)) timer(found);
    for (const found of await shared.signals(before, FOUND_MAX)) signal(found);
    if (this.#ticks++ % HEARTBEAT_TICKS > 0) return;
    await this.#beat();
    if (this.#mayJudge()) for (const found of await shared.orphans(SILENT_MS, FOUND_MAX)) orphan(found);
    await refreshPolls();
  }

  async #beat(): Promise<void> {
    const { shared, processId, clock } = this.#options;
    await shared.heartbeat(processId);
    const now = clock.now();
    if (this.#heartbeatMs > 0 && now - this.#heartbeatMs > CUT_OFF_MS) this.#backMs = now;
    this.#heartbeatMs = now;
  }

  /** Who was cut off himself leaves the others, who may have been so too, the time to say that they are alive. */
  #mayJudge(): boolean {
    return this.#options.clock.now() - this.#backMs >= CUT_OFF_MS;
  }

  #next(): void {
    if (this.#stopped) return;
    // Spread a little, so that processes started together do not all look at once.
    this.#timer = setTimeout(
      () => {
        this.#running = this.look()
          .catch(() => undefined)
          .then(() => this.#next());
      },
      EVERY_MS * (0.9 + 0.2 * this.#options.random()),
    );
    this.#timer.unref();
  }
}
