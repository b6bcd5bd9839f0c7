// The Postgres server that all Postgres users of this bench share, each in a database of its own. Every setting that makes
// a commit durable is at its default, is named all the same, and is read back before a result counts.
import pg from 'pg';
import { z } from 'zod';
import { startPostgres, type TestPostgres } from '../../tests/support/postgres-server.ts';
import type { PeerDatabase } from './contender.ts';

const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
// Enough memory and log for the length of a bench, so that no checkpoint falls into one measurement and not into another.
const SIZES = { shared_buffers: '512MB', max_wal_size: '4GB', max_connections: '300', checkpoint_timeout: '30min' };
const SETTINGS = `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
  (select sum(fsyncs) from pg_stat_io where object = 'wal') as flushes`;
const countSchema = z.object({ count: z.coerce.number() });
const settingsSchema = z.object({ fsync: z.literal('on'), commit: z.literal('on'), flushes: z.coerce.number().min(1) });

export class PostgresServer {
  readonly #server: TestPostgres;

  private constructor(server: TestPostgres) {
    this.#server = server;
  }

  static async start(): Promise<PostgresServer> {
    return new PostgresServer(await startPostgres({ ...DURABLE, ...SIZES }));
  }

  async database(name: string): Promise<PeerDatabase> {
    await firstRow(this.#server.url, `create database ${name}`);
    const url = this.#server.databaseUrl(name);
    return {
      url,
      count: async (text) => countSchema.parse(await firstRow(url, text)).count,
      durability: async () => {
        const { flushes } = settingsSchema.parse(await firstRow(url, SETTINGS));
        return `fsync=on, synchronous_commit=on (the server flushed its log ${flushes.toLocaleString('en')} times in all)`;
      },
    };
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}

async function firstRow(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows[0];
  } finally {
    await client.end();
  }
}
