// Signatures that were accepted once and must not be accepted again while they are fresh. Only what was verified is
// remembered, so nobody without the secret can fill the memory; when it is full nothing more is let in.
import { AppError } from '../../model/error.ts';
import type { Clock } from '../../orchestrator/ports.ts';
import { hashKey } from '../key-text.ts';
import type { CountUp } from '../shared-rate-limiter.ts';

export interface SeenSignatures {
  /**
   * True the first time that a signature comes under a scope. False again and again until `untilMs`.
   * Throws AppError store_unavailable when that cannot be known.
   */
  first(scope: string, signature: string, untilMs: number): Promise<boolean>;
}

/** Some 20 MB at the most. */
const SEEN_MAX = 100_000;

export function seenInMemory(clock: Clock, seenMax = SEEN_MAX): SeenSignatures {
  const untilByName = new Map<string, number>();
  return {
    async first(scope, signature, untilMs) {
      const now = clock.now();
      const name = nameOf(scope, signature);
      const held = untilByName.get(name);
      if (held !== undefined && held >= now) return false;
      if (untilByName.size >= seenMax) dropEnded(untilByName, now);
      if (untilByName.size >= seenMax) {
        throw new AppError('store_unavailable', 'More signed requests are fresh than can be told apart.');
      }
      untilByName.set(name, untilMs);
      return true;
    },
  };
}

/** For all processes of a database. */
export function seenByAll(countUp: CountUp): SeenSignatures {
  return {
    first: async (scope, signature, untilMs) =>
      (await countUp({ name: `seen ${nameOf(scope, signature)}`, expiresMs: untilMs })) === 1,
  };
}

function nameOf(scope: string, signature: string): string {
  return hashKey(JSON.stringify([scope, signature]));
}

function dropEnded(untilByName: Map<string, number>, now: number): void {
  for (const [name, untilMs] of untilByName) {
    if (untilMs < now) untilByName.delete(name);
  }
}
