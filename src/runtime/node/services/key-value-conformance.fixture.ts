// What key-value stores must do, wherever they keep their pairs.
import { expect, it } from 'vitest';
import type { KeyValueStores } from '../../../operations/operation.ts';

/** `open` gives stores over the same pairs each time, as another process would have them. */
export function keyValueConformance(open: (clock?: { now(): number }) => KeyValueStores): void {
  it('are one for all who open them, and bindings see nothing of each other', async () => {
    await open().open('A').put('k', 'of A', 0);
    const second = open();
    expect(await second.open('A').get('k')).toBe('of A');
    expect(await second.open('B').get('k')).toBeNull();
    expect(await second.open('B').list('', 10, null)).toEqual({ keys: [], cursor: null });
    await second.open('A').delete('k');
    expect(await open().open('A').get('k')).toBeNull();
  });

  it('keep any text as it was, and take names for names only', async () => {
    const store = open().open('TEXT');
    for (const value of ['', 'a\0b', '\ud800', '\u0001"x"', 'é'.repeat(10_000), "'; drop table key_value; --"]) {
      await store.put('k', value, 0);
      expect(await store.get('k')).toBe(value);
      expect(await store.replace('k', value, 'next', 0)).toBe(true);
    }
    await expect(async () => open().open('no/binding')).rejects.toThrow(/cannot be the name/);
  });

  it('replace what is as expected, once, however many try', async () => {
    const store = open().open('CAS');
    expect(await store.replace('k', 'x', 'y', 0)).toBe(false);
    const other = open().open('CAS');
    const take = (expected: string | null) =>
      Promise.all(
        Array.from({ length: 50 }, (_, n) => (n % 2 ? store : other).replace('k', expected, `${expected} ${n}`, 0)),
      );
    expect((await take(null)).filter(Boolean)).toHaveLength(1);
    expect((await take(await store.get('k'))).filter(Boolean)).toHaveLength(1);
    expect(await store.replace('k', await other.get('k'), 'next', 0)).toBe(true);
    expect(await other.get('k')).toBe('next');
  });

  it('take an expired key for none, also when replacing and listing', async () => {
    let now = Date.now();
    const store = open({ now: () => now }).open('TTL');
    await store.put('old', 'x', 1);
    await store.put('kept', 'x', 60);
    expect(await store.get('old')).toBe('x');
    now += 1_000;
    expect(await store.get('old')).toBeNull();
    expect(await store.list('', 10, null)).toEqual({ keys: ['kept'], cursor: null });
    expect(await store.replace('old', 'x', 'y', 0)).toBe(false);
    expect(await store.replace('old', null, 'new', 0)).toBe(true);
    expect(await store.get('old')).toBe('new');
  });

  it('list any prefix as it is written, over as many pages as it takes', async () => {
    const store = open().open('LIST');
    const keys = ['%a', '_a', 'A', 'a', 'a%b', 'aé', 'é', '😀x', '😀y'];
    for (const key of keys) await store.put(key, '1', 0);
    const all: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 10; page += 1) {
      const { keys: found, cursor: next }: { keys: string[]; cursor: string | null } = await store.list('', 2, cursor);
      all.push(...found);
      cursor = next;
      if (cursor === null) break;
    }
    expect(all).toEqual(['%a', 'A', '_a', 'a', 'a%b', 'aé', 'é', '😀x', '😀y']);
    expect((await store.list('%', 10, null)).keys).toEqual(['%a']);
    expect((await store.list('😀', 10, null)).keys).toEqual(['😀x', '😀y']);
    expect((await store.list('a', 10, null)).keys).toEqual(['a', 'a%b', 'aé']);
    expect((await store.list('b', 10, null)).keys).toEqual([]);
  });

  it('refuse keys that no store takes', async () => {
    const store = open().open('KEYS');
    for (const key of ['', 'é'.repeat(257), 'a\0b']) await expect(store.put(key, '1', 0)).rejects.toThrow(/A key has/);
  });
}
