import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type AgentServices, createAgentServices } from './agent-services.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'conductor-agents-'));
const opened: AgentServices[] = [];
afterAll(async () => {
  for (const services of opened) await services.close();
  rmSync(dataDir, { recursive: true });
});

function open(clock: { now(): number } = Date): AgentServices {
  const services = createAgentServices({ dataDir, postgres: {}, clock });
  opened.push(services);
  return services;
}

describe('key-value stores', () => {
  it('outlive the server, and bindings see nothing of each other', async () => {
    const first = open();
    await first.keyValue.open('A').put('k', 'of A', 0);
    await first.close();
    const second = open().keyValue;
    expect(await second.open('A').get('k')).toBe('of A');
    expect(await second.open('B').get('k')).toBeNull();
    expect(await second.open('B').list('', 10, null)).toEqual({ keys: [], cursor: null });
  });

  it('replace what is as expected, once, however many try', async () => {
    const store = open().keyValue.open('CAS');
    expect(await store.replace('k', 'x', 'y', 0)).toBe(false);
    const tried = await Promise.all(Array.from({ length: 50 }, (_, n) => store.replace('k', null, String(n), 0)));
    expect(tried.filter(Boolean)).toHaveLength(1);
    expect(await store.replace('k', await store.get('k'), 'next', 0)).toBe(true);
    expect(await store.get('k')).toBe('next');
  });

  it('take an expired key for none, also when replacing and listing, and take it out', async () => {
    let now = 1_000;
    const services = open({ now: () => now });
    const store = services.keyValue.open('TTL');
    await store.put('old', 'x', 1);
    now += 1_000;
    expect(await store.get('old')).toBeNull();
    expect(await store.list('', 10, null)).toEqual({ keys: [], cursor: null });
    expect(await store.replace('old', null, 'new', 0)).toBe(true);
    expect(await store.get('old')).toBe('new');
  });

  it('list any prefix as it is written, over as many pages as it takes', async () => {
    const store = open().keyValue.open('LIST');
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
    expect(all.sort()).toEqual([...keys].sort());
    expect((await store.list('%', 10, null)).keys).toEqual(['%a']);
    expect((await store.list('😀', 10, null)).keys).toEqual(['😀x', '😀y']);
    expect((await store.list('a', 10, null)).keys).toEqual(['a', 'a%b', 'aé']);
  });

  it('refuse keys that no store takes', async () => {
    const store = open().keyValue.open('KEYS');
    for (const key of ['', 'é'.repeat(257), 'a\0b']) await expect(store.put(key, '1', 0)).rejects.toThrow(/A key has/);
  });
});

describe('vectors', () => {
  const entry = (id: string, ...vector: number[]) => ({
    id,
    vector: Float32Array.from(vector),
    text: `text ${id}`,
    metadata: { id },
  });

  it('are found by likeness, whatever their length, and only by vectors of the same dimensions', async () => {
    const { vectors } = open();
    await vectors.upsert('n', [entry('a', 1, 0), entry('b', 5, 5), entry('c', 0, 1), entry('d', 1, 0, 0)]);
    const found = await vectors.search('n', Float32Array.of(2, 0.5), 2);
    expect(found.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(found[0]).toMatchObject({ text: 'text a', metadata: { id: 'a' }, score: expect.closeTo(0.97, 3) });
    expect(await vectors.search('other', Float32Array.of(1, 0), 2)).toEqual([]);
  });

  it('go with their document, and with no other', async () => {
    const { vectors } = open();
    await vectors.upsert('docs', [entry('a#0', 1, 0), entry('a#10', 1, 0), entry('ab#0', 1, 0), entry('a%', 1, 0)]);
    await vectors.delete('docs', ['a']);
    const left = await vectors.search('docs', Float32Array.of(1, 0), 10);
    expect(left.map(({ id }) => id).sort()).toEqual(['a%', 'ab#0']);
  });

  it('that another process wrote are found too', async () => {
    const here = open().vectors;
    const there = open().vectors;
    await here.upsert('shared', [entry('a', 1, 0)]);
    expect(await there.search('shared', Float32Array.of(1, 0), 10)).toHaveLength(1);
    await here.upsert('shared', [entry('b', 1, 0)]);
    expect(await there.search('shared', Float32Array.of(1, 0), 10)).toHaveLength(2);
  });
});
