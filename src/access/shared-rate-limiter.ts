// Rate limits of all processes on one database. Takes that come while the database is being asked travel together in the
// next statement. Fails closed: without the database nothing is taken.
import { AppError } from '../model/error.ts';
import type { Clock } from '../orchestrator/ports.ts';
import type { Counter, SharedStore } from '../store/shared-port.ts';
import type { RateLimiter } from './guard.ts';
import { taken, windowAt } from './rate-limiter.ts';

const BATCH_MAX = 1000;
/** Beyond this nobody waits in line: the database is not keeping up. */
const WAITING_MAX = 20_000;

interface Waiting {
  readonly counter: Counter;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Counts up by name, for whoever needs a number that all processes share. */
export type CountUp = (counter: Counter) => Promise<number>;

export function sharedCounters(shared: Pick<SharedStore, 'countUp'>): CountUp {
  let waiting: Waiting[] = [];
  let asking = false;
  const ask = async (): Promise<void> => {
    asking = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH_MAX);
      waiting = waiting.slice(BATCH_MAX);
      try {
        const counts = await shared.countUp(batch.map(({ counter }) => counter));
        for (const [index, { resolve, reject }] of batch.entries()) {
          const count = counts[index];
          if (count === undefined) reject(new TypeError('The store has left out a count.'));
          else resolve(count);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    asking = false;
  };
  return (counter) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= WAITING_MAX) {
        reject(new AppError('store_unavailable', 'The database does not keep up with counting requests.'));
        return;
      }
      waiting.push({ counter, resolve, reject });
      if (!asking) void ask();
    });
}

export function createSharedRateLimiter(countUp: CountUp, clock: Clock): RateLimiter {
  return {
    async take(bucket, limit, windowSeconds) {
      const window = windowAt(clock.now(), windowSeconds);
      const name = `rate ${windowSeconds} ${window.startMs} ${bucket}`;
      return taken(await countUp({ name, expiresMs: window.endMs }), limit, window);
    },
  };
}
