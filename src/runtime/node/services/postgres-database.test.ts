import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../../tests/support/postgres-database.ts';
import type { JsonValue } from '../../../model/json.ts';
import { PostgresDatabase } from './postgres-database.ts';

let database: PostgresDatabase;
beforeAll(async () => {
  database = new PostgresDatabase(await createTestDatabase());
  // The run's one server may have to be started first.
}, 120_000);
afterAll(() => database?.close());

const LIMITS = { rowsMax: 100, timeoutMs: 10_000 };
const read = (sql: string, parameters: readonly JsonValue[] = [], changes = {}) =>
  database.query(sql, parameters, { readOnly: true, ...LIMITS, ...changes });
const write = (sql: string, parameters: readonly JsonValue[] = []) =>
  database.query(sql, parameters, { readOnly: false, ...LIMITS });

async function sleeping(): Promise<number> {
  const sql =
    "select count(*)::int as n from pg_stat_activity where query ~ '^select \\* from .select pg_sleep' and state = 'active'";
  return Number((await read(sql)).rows[0]?.n);
}

describe('a Postgres database of the project', () => {
  it('keeps what is written', async () => {
    await write('create table person (id bigserial, name text, tags jsonb, seen timestamptz)');
    const values = ['Ada', { a: 1 }, '2020-01-02T03:04:05Z'];
    expect(await write('insert into person (name, tags, seen) values (?, ?, ?) returning id', values)).toEqual({
      rows: [{ id: '1' }],
      changes: 1,
    });
    expect(await read('select name, tags, seen from person where name = any(?)', [['Ada', "x'"]])).toEqual({
      rows: [{ name: 'Ada', tags: { a: 1 }, seen: '2020-01-02T03:04:05.000Z' }],
      changes: 0,
    });
    expect((await read("select tags ?? 'a' as has from person")).rows).toEqual([{ has: true }]);
  });

  it('writes nothing for a query that may only read', async () => {
    await expect(read("insert into person (name) values ('no')")).rejects.toThrow(/read-only/);
    await expect(read('with x as (delete from person returning 1) select * from x')).rejects.toThrow(/^SQL: /);
    await expect(read("select set_config('transaction_read_only', 'off', false)")).rejects.toThrow(/^SQL: /);
    await expect(read("select nextval('person_id_seq')")).rejects.toThrow(/read-only/);
  });

  it('does one statement, parameters or not', async () => {
    await expect(write('select 1; select 2')).rejects.toThrow(/One statement/);
    await expect(write("select '1' \\; select 2")).rejects.toThrow();
  });

  it('leaves nothing of one call to the next', async () => {
    await write("select set_config('statement_timeout', '0', false), set_config('search_path', 'nowhere', false)");
    await write('create temporary table mine (a int)');
    expect((await read("select current_setting('search_path') as path")).rows).toEqual([{ path: '"$user", public' }]);
    await expect(read('select * from mine')).rejects.toThrow(/does not exist/);
  });

  it('gives no more rows than asked for', async () => {
    const { rows } = await read('select n from generate_series(1, 1000000) n -- all', [], { rowsMax: 2 });
    expect(rows).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('ends a statement when its time is over, or nobody waits any more', async () => {
    await expect(read('select pg_sleep(30)', [], { timeoutMs: 100 })).rejects.toThrow(/out of time/);
    const stop = new AbortController();
    const running = read('select pg_sleep(30)', [], { signal: stop.signal });
    // Another connection sees when it has begun; bounded, lest a failure wait for ever.
    for (let looked = 0; looked < 500 && (await sleeping()) === 0; looked += 1);
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
    for (let looked = 0; looked < 500 && (await sleeping()) > 0; looked += 1);
    expect(await sleeping()).toBe(0);
  });

  it('shows no address and no password when it cannot be reached', async () => {
    const lost = new PostgresDatabase('postgres://user:secret-word@127.0.0.1:1/none');
    const failure = lost.query('select 1', [], { readOnly: true, ...LIMITS });
    await expect(failure).rejects.toThrow('The Postgres database of this binding cannot be reached.');
    await lost.close();
  });
});
