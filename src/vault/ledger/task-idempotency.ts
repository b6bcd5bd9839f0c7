// Stable idempotency keys for calls of a task that brings none of its own: the same request at the same place in any
// attempt of a task gets the same key, so a retried task cannot charge twice. Owns the ordinals within an attempt, for a
// store with a single writer (task-ordinal.ts has the rule for several); after
// a restart they begin anew, which repeats an answer at worst and never charges again.
import type { TaskScope } from '../keys/key-text.ts';
import { DAY_MS } from '../keys/lifetime.ts';
import { type Digest, digest } from './digest.ts';

export interface AssignedKey {
  readonly key: string;
  /**
   * `definite`: the worker got an answer that the vendor keeps under this key, so the next call alike is another one.
   * Otherwise the next call alike is this one again.
   */
  done(definite: boolean): void;
}

interface Attempt {
  readonly startedMs: number;
  /** By request digest: which ordinals are taken. */
  readonly taken: Map<string, boolean[]>;
  /** By the SDK's automatic key, which its own retries repeat. */
  readonly automatic: Map<string, number>;
}

const ATTEMPTS_MAX = 100_000;

export class TaskIdempotency {
  readonly #attempts = new Map<string, Attempt>();
  readonly #digest: Digest;

  constructor(digestOf: Digest = digest) {
    this.#digest = digestOf;
  }

  /** `automaticKey`: what the SDK made up for this call, or null when the caller sent nothing. */
  assign(keyId: string, task: TaskScope, requestDigest: string, automaticKey: string | null, now: number): AssignedKey {
    const attempt = this.#attempt(`${keyId}\n${task.runId}\n${task.attempt}\n${task.ref}`, now);
    let taken = attempt.taken.get(requestDigest);
    if (!taken) {
      taken = [];
      attempt.taken.set(requestDigest, taken);
    }
    const repeated = automaticKey === null ? undefined : attempt.automatic.get(`${requestDigest}\n${automaticKey}`);
    const ordinal = repeated ?? firstFree(taken);
    taken[ordinal] = true;
    if (automaticKey !== null) attempt.automatic.set(`${requestDigest}\n${automaticKey}`, ordinal);
    const ordinals = taken;
    return {
      key: derivedKey(task, requestDigest, ordinal, this.#digest),
      done: (definite) => {
        ordinals[ordinal] = definite;
      },
    };
  }

  #attempt(id: string, now: number): Attempt {
    const known = this.#attempts.get(id);
    if (known) return known;
    for (const [oldest, { startedMs }] of this.#attempts) {
      if (this.#attempts.size < ATTEMPTS_MAX && startedMs > now - DAY_MS) break;
      this.#attempts.delete(oldest);
    }
    const attempt: Attempt = { startedMs: now, taken: new Map(), automatic: new Map() };
    this.#attempts.set(id, attempt);
    return attempt;
  }
}

function firstFree(taken: readonly boolean[]): number {
  const free = taken.indexOf(false);
  return free < 0 ? taken.length : free;
}

export function derivedKey(task: TaskScope, requestDigest: string, ordinal: number, digest: Digest): string {
  return `conductor-${digest(`${task.runId}\n${task.ref}\n${requestDigest}\n${ordinal}`)}`;
}
