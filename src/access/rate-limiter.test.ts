import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../model/error.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { createRateLimiter, windowAt } from './rate-limiter.ts';
import { createSharedRateLimiter, sharedCounters } from './shared-rate-limiter.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2024, 1, 15, 12, 0, 15);

function clockAt(startMs: number) {
  let now = startMs;
  return {
    now: () => now,
    set: (ms: number) => {
      now = ms;
    },
  };
}

describe('rate limits in memory', () => {
  test('a bucket gives its limit and no more until the window ends with the clock', async () => {
    const clock = clockAt(START_MS);
    const limiter = createRateLimiter(clock);
    const take = () => limiter.take('ip:1', 2, 60);
    expect(await take()).toEqual({ allowed: true, limit: 2, remaining: 1, resetSeconds: 45 });
    expect(await take()).toEqual({ allowed: true, limit: 2, remaining: 0, resetSeconds: 45 });
    expect(await take()).toEqual({ allowed: false, limit: 2, remaining: 0, resetSeconds: 45 });
    clock.set(START_MS + 44_999);
    expect((await take()).allowed).toBe(false);
    clock.set(START_MS + 45_000);
    expect(await take()).toEqual({ allowed: true, limit: 2, remaining: 1, resetSeconds: 60 });
  });

  test('buckets do not share', async () => {
    const limiter = createRateLimiter(clockAt(START_MS));
    expect((await limiter.take('a', 1, 60)).allowed).toBe(true);
    expect((await limiter.take('b', 1, 60)).allowed).toBe(true);
    expect((await limiter.take('a', 1, 60)).allowed).toBe(false);
  });

  test('however many callers come, what is kept is bounded and the newest are still counted', async () => {
    const limiter = createRateLimiter(clockAt(START_MS), 3);
    for (let i = 0; i < 100; i += 1) await limiter.take(`ip:${i}`, 1, 60);
    expect((await limiter.take('ip:99', 1, 60)).allowed).toBe(false);
    expect((await limiter.take('ip:0', 1, 60)).allowed).toBe(true);
  });

  test('a window holds its instant, and is as long as it says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 86_400 }), (now, seconds) => {
        const { startMs, endMs, resetSeconds } = windowAt(now, seconds);
        expect(startMs <= now && now < endMs).toBe(true);
        expect([endMs - startMs, startMs % (seconds * 1000)]).toEqual([seconds * 1000, 0]);
        expect(resetSeconds >= 1 && resetSeconds <= seconds).toBe(true);
      }),
    );
  });

  test('the headers say what is left, and when to come again to whom is refused', () => {
    const taken = { limit: 5, remaining: 0, resetSeconds: 12 };
    const said = { 'ratelimit-limit': '5', 'ratelimit-remaining': '0', 'ratelimit-reset': '12' };
    expect(rateLimitHeaders({ ...taken, allowed: true })).toEqual(said);
    expect(rateLimitHeaders({ ...taken, allowed: false })).toEqual({ ...said, 'retry-after': '12' });
  });
});

describe('rate limits of all processes', () => {
  test('takes that come together travel together, and each gets its own number', async () => {
    const trips: number[] = [];
    const totals = new Map<string, number>();
    const countUp = sharedCounters({
      countUp: async (counters) => {
        trips.push(counters.length);
        return counters.map(({ name }) => {
          totals.set(name, (totals.get(name) ?? 0) + 1);
          return totals.get(name) ?? 0;
        });
      },
    });
    const limiter = createSharedRateLimiter(countUp, clockAt(START_MS));
    const taken = await Promise.all(Array.from({ length: 50 }, () => limiter.take('a', 20, 60)));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(20);
    expect(trips).toEqual([1, 49]);
    expect(taken[0]).toEqual({ allowed: true, limit: 20, remaining: 19, resetSeconds: 45 });
    expect([...totals.keys()]).toEqual([`rate 60 ${START_MS - (START_MS % MINUTE_MS)} a`]);
  });

  test('nothing is taken where the database does not answer, and it is asked again afterwards', async () => {
    let broken = true;
    const countUp = sharedCounters({
      countUp: async (counters) => {
        if (broken) throw new AppError('store_unavailable', 'gone');
        return counters.map(() => 1);
      },
    });
    const limiter = createSharedRateLimiter(countUp, clockAt(START_MS));
    await expect(limiter.take('a', 1, 60)).rejects.toMatchObject({ code: 'store_unavailable' });
    broken = false;
    expect((await limiter.take('a', 1, 60)).allowed).toBe(true);
  });
});
