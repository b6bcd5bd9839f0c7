// One clock alarm for everything that waits for an instant: task and run timers, and queues held back by a rate limit.
import type { Clock } from './ports.ts';

/** setTimeout counts in 32 bits. */
const ALARM_MAX_MS = 2_147_483_647;

export class Wakeups {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #alarmMs = Number.POSITIVE_INFINITY;
  readonly #queues = new Map<string, number>();

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** A queue is to be served again at this instant. */
  queueAt(key: string, atMs: number): void {
    this.#queues.set(key, Math.min(atMs, this.#queues.get(key) ?? atMs));
    this.arm(atMs);
  }

  takeDueQueues(now: number): string[] {
    const due: string[] = [];
    for (const [key, atMs] of this.#queues) if (atMs <= now) due.push(key);
    for (const key of due) this.#queues.delete(key);
    return due;
  }

  /** Rings for the next timer and for every queue that waits: an alarm that came while another was answered is not lost. */
  rearm(nextDueMs: number | undefined): void {
    this.arm(nextDueMs);
    for (const atMs of this.#queues.values()) this.arm(atMs);
  }

  /** Rings at this instant or earlier. */
  arm(atMs: number | undefined): void {
    if (atMs === undefined || atMs >= this.#alarmMs) return;
    clearTimeout(this.#alarm);
    this.#alarmMs = atMs;
    const delayMs = Math.min(ALARM_MAX_MS, Math.max(0, atMs - this.#clock.now()));
    this.#alarm = setTimeout(() => {
      this.#alarmMs = Number.POSITIVE_INFINITY;
      this.#ring();
    }, delayMs);
  }

  stop(): void {
    clearTimeout(this.#alarm);
    this.#alarmMs = Number.NEGATIVE_INFINITY;
  }
}
