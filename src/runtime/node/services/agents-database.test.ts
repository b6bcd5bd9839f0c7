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

function open(): AgentServices {
  const services = createAgentServices({ dataDir, postgres: {}, clock: Date });
  opened.push(services);
  return services;
}

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
