// Concurrency and rate limits of task types, exact over all workers: how many are in progress, and when the last ones
// were handed out. Owns counting; asks nobody for the time.
import type { TaskDefinition } from '../model/task-definition.ts';
import type { TaskLimit } from '../store/shared-port.ts';
import type { WriteBatch } from '../store/write-batch.ts';

export type Admission = { readonly ok: true } | { readonly ok: false; readonly retryAtMs: number };

const ADMITTED: Admission = { ok: true };
/** Blocked by concurrency: a finished task wakes the queue, no clock does. */
const WHEN_FREED: Admission = { ok: false, retryAtMs: 0 };
/** About the length of the round of whoever has locked the type's counts. */
const RETRY_HELD_MS = 3;

export class TaskLimits {
  readonly #inProgress = new Map<string, number>();
  readonly #handedOut = new Map<string, number[]>();
  readonly #definition: (name: string) => TaskDefinition | null;
  /** Hand-outs before this process started are unknown: a limited type waits one full window from here. */
  #startedMs = 0;
  /** In a shared store: types whose counts are locked, and therefore true, in the round under way. Null: always true. */
  #locked: Map<string, boolean> | null = null;

  constructor(definition: (name: string) => TaskDefinition | null) {
    this.#definition = definition;
  }

  restart(now: number): void {
    this.#startedMs = now;
    this.#inProgress.clear();
    this.#handedOut.clear();
  }

  /** From now on counts are true only for what a round has locked. */
  share(): void {
    this.#locked = new Map();
  }

  isLimited(defName: string): boolean {
    const definition = this.#definition(defName);
    return definition !== null && (definition.concurrentExecLimit > 0 || definition.rateLimitPerFrequency > 0);
  }

  /** Takes in what the store says of a type that the round under way has locked. */
  locked({ defName, inProgress, handedOutMs }: TaskLimit): void {
    this.#inProgress.set(defName, inProgress);
    this.#handedOut.set(defName, [...handedOutMs]);
    this.#locked?.set(defName, false);
  }

  /** The rows of the types that were handed out in the round. */
  drain(batch: WriteBatch): void {
    for (const [defName, handedOut] of this.#locked ?? []) {
      if (!handedOut) continue;
      const kept = this.#definition(defName)?.rateLimitPerFrequency ?? 0;
      const handedOutMs = (this.#handedOut.get(defName) ?? []).slice(kept > 0 ? -kept : Number.POSITIVE_INFINITY);
      batch.taskLimits.push({ defName, inProgress: 0, handedOutMs });
    }
  }

  /** The round is over. */
  release(): void {
    this.#locked?.clear();
  }

  /** A task entered (+1) or left (-1) IN_PROGRESS. Returns true when that freed a slot of a limited type. */
  count(defName: string, delta: 1 | -1): boolean {
    const next = (this.#inProgress.get(defName) ?? 0) + delta;
    if (next <= 0) this.#inProgress.delete(defName);
    else this.#inProgress.set(defName, next);
    return delta < 0 && (this.#definition(defName)?.concurrentExecLimit ?? 0) > 0;
  }

  inProgress(defName: string): number {
    return this.#inProgress.get(defName) ?? 0;
  }

  /** May one more task of this type be handed out now? */
  admit(defName: string, now: number): Admission {
    const definition = this.#definition(defName);
    if (!definition) return ADMITTED;
    if (this.#locked && !this.#locked.has(defName) && this.isLimited(defName))
      return { ok: false, retryAtMs: now + RETRY_HELD_MS };
    const { concurrentExecLimit, rateLimitPerFrequency } = definition;
    if (concurrentExecLimit > 0 && this.inProgress(defName) >= concurrentExecLimit) return WHEN_FREED;
    if (rateLimitPerFrequency <= 0) return ADMITTED;
    const windowMs = Math.max(1, definition.rateLimitFrequencyInSeconds) * 1000;
    if (now < this.#startedMs + windowMs && this.#startedMs > 0)
      return { ok: false, retryAtMs: this.#startedMs + windowMs };
    const times = this.#window(defName, now - windowMs);
    if (times.length < rateLimitPerFrequency) return ADMITTED;
    const oldest = times[times.length - rateLimitPerFrequency] ?? now;
    return { ok: false, retryAtMs: oldest + windowMs };
  }

  /** A task of this type was handed out. */
  handedOut(defName: string, now: number): void {
    if ((this.#definition(defName)?.rateLimitPerFrequency ?? 0) <= 0) return;
    const times = this.#handedOut.get(defName) ?? [];
    times.push(now);
    this.#handedOut.set(defName, times);
    this.#locked?.set(defName, true);
  }

  /** Hand-outs later than `sinceMs`; forgets the others. */
  #window(defName: string, sinceMs: number): readonly number[] {
    const times = this.#handedOut.get(defName);
    if (!times) return [];
    let stale = 0;
    while (stale < times.length && (times[stale] ?? 0) <= sinceMs) stale += 1;
    if (stale > 0) times.splice(0, stale);
    return times;
  }
}
