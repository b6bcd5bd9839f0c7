// Shared conformance: numbers that all openers of one database count together.
import { expect, it } from 'vitest';
import { fresh } from './conformance-samples.ts';
import { sharedOf, type TwoStores } from './conformance-two-stores.ts';

const FAR_MS = 4_000_000_000_000;

export function sharedCounters(both: () => TwoStores): void {
  it('are counted up by both, one number for each', async () => {
    const [a, b] = [`counter-${fresh()}`, `counter-${fresh()}`];
    const of = (name: string) => ({ name, expiresMs: FAR_MS });
    expect(await sharedOf(both().first).countUp([of(a), of(b), of(a)])).toEqual([1, 1, 2]);
    expect(await sharedOf(both().second).countUp([of(b), of(a)])).toEqual([2, 3]);
    expect(await sharedOf(both().first).countUp([])).toEqual([]);
  });

  it('give every number once, however many count at the same time', async () => {
    const { first, second } = both();
    const names = Array.from({ length: 5 }, () => `counter-${fresh()}`);
    const asked = Array.from({ length: 20 }, (_, index) => {
      const order = index % 2 === 0 ? names : [...names].reverse();
      return sharedOf(index % 3 === 0 ? first : second).countUp(order.map((name) => ({ name, expiresMs: FAR_MS })));
    });
    const all = (await Promise.all(asked)).flat().sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 100 }, (_, index) => Math.floor(index / 5) + 1));
  });

  it('may have names as long as a caller likes, and any character', async () => {
    const long = `counter-${fresh()} \0 ${'é'.repeat(5000)}`;
    const { countUp } = sharedOf(both().first);
    expect(await countUp([{ name: long, expiresMs: FAR_MS }])).toEqual([1]);
    expect(await countUp([{ name: `${long}x`, expiresMs: FAR_MS }])).toEqual([1]);
    expect(await countUp([{ name: long, expiresMs: FAR_MS }])).toEqual([2]);
  });

  it('are forgotten after they have expired', async () => {
    const { countUp } = sharedOf(both().first);
    const names = Array.from({ length: 600 }, () => `counter-${fresh()}`);
    for (let at = 0; at < names.length; at += 100) {
      await countUp(names.slice(at, at + 100).map((name) => ({ name, expiresMs: 1 })));
    }
    const again = await countUp(names.slice(0, 200).map((name) => ({ name, expiresMs: 1 })));
    expect(again).toEqual(again.map(() => 1));
  });
}
