// Key-value stores of one server, in a file, and of many, in their database.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../../tests/support/postgres-database.ts';
import type { Store } from '../../../store/port.ts';
import { createPostgresStore } from '../../../store/postgres/store.ts';
import { type AgentServices, createAgentServices } from './agent-services.ts';
import { keyValueConformance } from './key-value-conformance.fixture.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'conductor-key-values-'));
const opened: AgentServices[] = [];
afterAll(async () => {
  for (const services of opened) await services.close();
  rmSync(dataDir, { recursive: true });
});

function services(shared: Store['shared'], clock: { now(): number } = Date) {
  const made = createAgentServices({ dataDir, postgres: {}, clock, shared });
  opened.push(made);
  return made;
}

describe('key-value stores in a file', () => {
  keyValueConformance((clock) => services(null, clock).keyValue);

  it('outlive the server', async () => {
    const first = services(null);
    await first.keyValue.open('LIFE').put('k', 'v', 0);
    await first.close();
    expect(await services(null).keyValue.open('LIFE').get('k')).toBe('v');
  });
});

describe('key-value stores on a shared database', () => {
  let url: string;
  const stores: Store[] = [];
  let turn = 0;

  beforeAll(async () => {
    url = await createTestDatabase();
    stores.push(await createPostgresStore({ url, poolSize: 3 }), await createPostgresStore({ url, poolSize: 3 }));
  });

  afterAll(() => Promise.all(stores.map((store) => store.close())));

  /** Each time at the other replica. */
  function shared(): Store['shared'] {
    turn += 1;
    return stores[turn % 2]?.shared ?? null;
  }

  keyValueConformance((clock) => services(shared(), clock).keyValue);

  it('forget what has expired as others are written, and nothing that was written anew', async () => {
    const long = services(shared(), { now: () => Date.now() - 3_600_000 }).keyValue.open('SWEPT');
    for (let n = 0; n < 10; n += 1) await long.put(`old-${n}`, 'x', 1);
    const now = services(shared()).keyValue.open('SWEPT');
    await now.put('old-3', 'anew', 0);
    await Promise.all(Array.from({ length: 300 }, (_, n) => now.put(`new-${n % 20}`, 'x', 0)));
    // Whoever asked an hour ago would still have found them.
    expect((await long.list('old-', 20, null)).keys).toEqual(['old-3']);
    expect((await now.list('', 100, null)).keys).toHaveLength(21);
  });
});
