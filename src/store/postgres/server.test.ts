// When the database stops, restarts or is slow; and what several processes do to it at once.
import { readdirSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../tests/support/postgres-server.ts';
import { commit, sampleCharge, sampleRun, sampleTask, sampleVaultKey } from '../conformance-samples.ts';
import { inRound, sharedOf } from '../conformance-two-stores.ts';
import type { Store } from '../port.ts';
import { emptyBatch } from '../write-batch.ts';
import { PROFILES, profileOf, roundSettingsOf } from './capabilities.ts';
import { Pool } from './pool.ts';
import { createPostgresStore, type PostgresStoreOptions } from './store.ts';

const UNAVAILABLE = { name: 'AppError', code: 'store_unavailable', status: 503, retryable: true };

let postgres: TestPostgres;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

beforeEach(async () => {
  url = await postgres.createDatabase();
});

async function opened<T>(work: (store: Store) => Promise<T>, options: Partial<PostgresStoreOptions> = {}): Promise<T> {
  const store = await createPostgresStore({ url, ...options });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function query(sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

describe('a database that stops', () => {
  it('is a 503 that may be tried again, and everything goes on when it is back', () =>
    opened(async (store) => {
      const [before, after] = [sampleRun(), sampleRun()];
      await commit(store, { newRuns: [before] });
      const round = await store.round();
      await postgres.shutDown();
      await expect(round.commit({ ...emptyBatch(), newRuns: [after] })).rejects.toMatchObject(UNAVAILABLE);
      await expect(store.round()).rejects.toMatchObject(UNAVAILABLE);
      await expect(store.reads.ping()).rejects.toMatchObject(UNAVAILABLE);
      await expect(sharedOf(store).stamps()).rejects.toMatchObject({ cause: expect.any(Error) });
      await postgres.restart();
      expect(await store.reads.runRowId(before.id)).toBe(before.rowId);
      expect(await store.reads.runRowId(after.id)).toBeNull();
      await commit(store, { newRuns: [after] });
      expect(await store.reads.runRowId(after.id)).toBe(after.rowId);
    }));

  it('by kill -9 has lost nothing of what was committed', () =>
    opened(async (store) => {
      const runs = Array.from({ length: 20 }, () => sampleRun());
      for (const run of runs) await commit(store, { newRuns: [run], newTasks: [sampleTask(run)] });
      await postgres.kill();
      await postgres.restart();
      const found = await Promise.all(runs.map(({ id }) => store.reads.runRowId(id)));
      expect(found).toEqual(runs.map(({ rowId }) => rowId));
    }));

  it('and is not there at the start says so, without the password', async () => {
    const gone = postgres.url.replace(/:\d+\//, ':1/').replace('postgres@', 'postgres:secret@');
    const refused = createPostgresStore({ url: gone });
    await expect(refused).rejects.toMatchObject(UNAVAILABLE);
    await expect(refused).rejects.not.toThrow(/secret/);
  });

  it('takes the listener with it, which comes back and says that any queue may have tasks', () =>
    opened((store) =>
      opened(async (other) => {
        const heard: (readonly string[] | null)[] = [];
        sharedOf(store).onReady((keys) => heard.push(keys));
        await postgres.restart();
        await vi.waitFor(() => expect(heard).toEqual([null]), { timeout: 20_000 });
        sharedOf(other).announce(['charge']);
        await vi.waitFor(() => expect(heard).toEqual([null, ['charge']]), { timeout: 20_000 });
      }),
    ));
});

describe('a database that takes no writes', () => {
  it('does not pass for well', () =>
    opened(async (store) => {
      await query(`alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = on`);
      await query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
      await vi.waitFor(() => expect(store.reads.ping()).rejects.toThrow('The database takes no writes.'));
    }));
});

describe('a connection', () => {
  it('is given up by the database when its other end takes nothing more', async () => {
    const settings = roundSettingsOf(PROFILES.postgres, 5000);
    const pool = new Pool({
      ...{ url, poolSize: 1, statementTimeoutMs: 5000, connectTimeoutMs: 3000, prepared: true, settings },
    });
    expect(await pool.all(`select current_setting('tcp_user_timeout') as value`)).toEqual([{ value: '6000' }]);
    await pool.close();
  });
});

describe('a slow database', () => {
  it('is a 503 when no connection comes free in time, and the waiting ends with the round', () =>
    opened(
      async (store) => {
        await inRound(store, async () => {
          await expect(store.round()).rejects.toMatchObject(UNAVAILABLE);
        });
        await store.reads.ping();
      },
      { poolSize: 1, connectTimeoutMs: 1500 },
    ));

  it('a lock that does not come in time is a 503, and the round can be left', () =>
    opened(
      async (store) => {
        const key = sampleVaultKey();
        await commit(store, { vaultKeys: [key] });
        const wanted = [{ id: key.id, revision: 0, sinceMs: 0 }];
        await opened((other) =>
          inRound(other, async (_, held) => {
            await held.lockVaultKeys(wanted);
            await inRound(store, async (_round, waiting) => {
              await expect(waiting.lockVaultKeys(wanted)).rejects.toMatchObject(UNAVAILABLE);
            });
          }),
        );
        await inRound(store, (_, shared) => shared.lockVaultKeys(wanted));
      },
      { statementTimeoutMs: 1000 },
    ));

  it('a round that falls silent loses its locks, and writes nothing when it wakes', () =>
    opened(
      (sleeper) =>
        opened(async (other) => {
          const run = sampleRun();
          await commit(other, { newRuns: [run] });
          const round = await sleeper.round();
          await round.loadRuns([{ rowId: run.rowId, revision: 0 }]);
          const busy = () =>
            inRound(other, async (mine) => (await mine.loadRuns([{ rowId: run.rowId, revision: 1 }])).busy);
          expect(await busy()).toEqual([run.rowId]);
          await vi.waitFor(async () => expect(await busy()).toEqual([]), { timeout: 20_000 });
          const changedRuns = [{ ...run, reason: 'too late' }];
          await expect(round.commit({ ...emptyBatch(), changedRuns })).rejects.toMatchObject(UNAVAILABLE);
          expect((await other.reads.run(run.id, false))?.run.reason).toBeNull();
          await commit(sleeper, { changedRuns: [{ ...run, reason: 'in time' }] });
        }),
      { statementTimeoutMs: 1000 },
    ));
});

describe('the number of statements', () => {
  it('of a round does not depend on the size of its batch', () =>
    opened(async (store) => {
      const [one, many] = [await statementsOf(store, 1), await statementsOf(store, 400)];
      expect(many).toEqual(one);
      expect(one.commit).toBeLessThan(20);
    }));
});

async function statementsOf(store: Store, size: number): Promise<Record<string, number>> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  const counted = async (work: () => Promise<unknown>) => {
    query.mockClear();
    await work();
    return query.mock.calls.length;
  };
  const runs = Array.from({ length: size }, () => sampleRun());
  const keys = runs.map(() => sampleVaultKey());
  const wantedKeys = keys.map(({ id }) => ({ id, revision: 0, sinceMs: 0 }));
  const wantedRuns = [...runs.map(({ rowId }) => rowId), ...runs.map((_, index) => 5e9 + index)];
  const starts = runs.map(({ id }) => ({ name: 'billing', key: id }));
  const queues = runs.map(({ id }) => ({ key: id, count: 3 }));
  try {
    await commit(store, { newRuns: runs, newTasks: runs.map((run) => sampleTask(run)), vaultKeys: keys });
    return await inRound(store, async (round, shared) => ({
      loadRuns: await counted(() => round.loadRuns(wantedRuns.map((rowId) => ({ rowId, revision: 0 })))),
      startedWith: await counted(() => round.startedWith(starts)),
      readyTasks: await counted(() => shared.readyTasks(queues, 1)),
      lockLimits: await counted(() => shared.lockLimits(runs.map(({ id }) => id))),
      lockVaultKeys: await counted(() => shared.lockVaultKeys(wantedKeys)),
      commit: await counted(() =>
        round.commit({
          ...emptyBatch(),
          newRuns: runs.map(() => sampleRun()),
          changedRuns: runs,
          newTasks: runs.map((run) => sampleTask(run)),
          changedTasks: runs.map((run) => sampleTask(run)),
          logs: runs.map(({ id }) => ({ taskId: id, log: '', createdMs: 1 })),
          polls: runs.map(({ id }) => ({ queueName: id, domain: '', workerId: 'w', lastPollMs: 1 })),
          taskLimits: runs.map(({ id }) => ({ defName: id, inProgress: 0, handedOutMs: [1] })),
          newCharges: keys.map(({ id }) => sampleCharge(id)),
          changedCharges: keys.map(({ id }) => sampleCharge(id)),
          endedRuns: runs.map(({ id }) => ({ id, atMs: 1 })),
          removedSignals: runs.map(({ rowId }) => rowId),
        }),
      ),
    }));
  } finally {
    query.mockRestore();
  }
}

const MIGRATIONS = readdirSync(new URL('./migrations/', import.meta.url))
  .sort()
  .map((file) => ({ version: Number(file.slice(0, 4)), file }));

describe('migrations', () => {
  it('are applied once, by however many open the database at once', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => createPostgresStore({ url })));
    expect(stores.map(({ fresh }) => fresh)).toEqual(stores.map(() => true));
    await Promise.all(stores.map((store) => store.close()));
    expect(MIGRATIONS[0]).toEqual({ version: 1, file: '0001-initial.sql' });
    expect(await query('select version, file from schema_migration')).toEqual(MIGRATIONS);
  });

  it('of newer code are left alone', async () => {
    await opened(async (store) => {
      const run = sampleRun();
      await commit(store, { newRuns: [run], newTasks: [sampleTask(run)] });
    });
    expect(await opened(async ({ fresh }) => fresh)).toBe(false);
    await query(`insert into schema_migration (version, file) values (9999, 'from-the-future.sql')`);
    await expect(createPostgresStore({ url })).rejects.toThrow(
      `schema version 9999, this server knows ${MIGRATIONS.at(-1)?.version}`,
    );
  });

  it('take turns by a row where the database has no locks of its own', async () => {
    const profile = { ...PROFILES.postgres, advisoryLocks: PROFILES.cockroach.advisoryLocks };
    const stores = await Promise.all(Array.from({ length: 5 }, () => createPostgresStore({ url, profile })));
    await Promise.all(stores.map((store) => store.close()));
    expect(await query('select version, file from schema_migration')).toEqual(MIGRATIONS);
  });
});

describe('what a database can do', () => {
  it('is told by its version', () => {
    expect(profileOf('PostgreSQL 18.4 on x86_64')).toBe('postgres');
    expect(profileOf('CockroachDB CCL v24.1.0 (x86_64)')).toBe('cockroach');
    expect(profileOf('PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64')).toBe('yugabyte');
  });

  it('without skip locked, a run held elsewhere makes the request busy and the round goes on', () => {
    const skipLocked = { value: false, reason: 'An old server.' };
    return opened(
      (store) =>
        opened(async (other) => {
          const [held, free] = [sampleRun(), sampleRun()];
          await commit(store, { newRuns: [held, free] });
          const wanted = [held, free].map(({ rowId }) => ({ rowId, revision: 1 }));
          await inRound(other, async (holder) => {
            await holder.loadRuns(wanted.slice(0, 1));
            await inRound(store, async (round) => {
              expect((await round.loadRuns(wanted)).busy).toEqual([held.rowId, free.rowId]);
              expect((await round.loadRuns(wanted.slice(1))).busy).toEqual([]);
              await round.commit({ ...emptyBatch(), changedRuns: [{ ...free, reason: 'changed' }] });
            });
          });
          expect((await other.reads.run(free.id, false))?.run.reason).toBe('changed');
        }),
      { profile: { ...PROFILES.postgres, skipLocked } },
    );
  });

  it('without notes, announcing does no harm', () =>
    opened(
      async (store) => {
        sharedOf(store).onReady(() => expect.unreachable());
        sharedOf(store).announce(['charge']);
        await store.reads.ping();
      },
      { profile: { ...PROFILES.postgres, listenNotify: PROFILES.cockroach.listenNotify } },
    ));
});
