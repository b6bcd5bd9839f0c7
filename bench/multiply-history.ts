// Makes a long past out of a short one: copies the rows of ended runs and of their tasks, each copy some minutes older,
// with row ids and public ids of its own in the order of time. Only for a database that no server has open. What else
// those runs left behind is not multiplied.
import { join } from 'node:path';
import pg from 'pg';
import { z } from 'zod';
import { openDatabase } from '../src/store/sqlite/driver.ts';
import type { Place } from './child.ts';

/** By how much a copy is older than the next; longer than the real runs took. */
const APART_MS = 300_000;
/** So many keys a process on Postgres draws at a time: src/store/postgres/row-ids.ts. */
const KEY_BLOCK = 2 ** 20;

const namesSchema = z.array(z.object({ name: z.string() }));
const spanSchema = z.tuple([z.object({ run: z.coerce.number(), task: z.coerce.number() })]);
const sizeSchema = z.tuple([z.object({ tasks: z.coerce.number(), unfinished: z.coerce.number(), sample: z.string() })]);

const SPAN = `select (select max(row_id) - min(row_id) + 1 from run) as run,
  (select max(row_id) - min(row_id) + 1 from task) as task`;
const SIZE = `select (select count(*) from task) as tasks, (select id from run order by row_id desc limit 1) as sample,
  (select count(*) from run where status <> 'COMPLETED') as unfinished`;

/** Where the two databases differ, as SQL. */
interface Dialect {
  columnsOf(table: string): string;
  /** A source of rows `copy(n)`, n from 1 to `most`. */
  copies(most: number): string;
  /** Twelve hexadecimal digits. */
  hex(value: string): string;
  readonly scheduledMs: string;
  /** The columns in which the end of a run is found, moved back by `olderMs`. */
  endedBefore(olderMs: string): Record<string, string>;
}

const SQLITE: Dialect = {
  columnsOf: (table) => `select name from pragma_table_info('${table}') order by cid`,
  copies: (most) => `(with recursive copy(n) as (select 1 union all select n + 1 from copy where n < ${most})
    select n from copy) as copy`,
  hex: (value) => `printf('%012x', ${value})`,
  scheduledMs: `json_extract(details, '$.scheduledMs')`,
  endedBefore: (olderMs) => ({
    state: `json_set(state, '$.endedMs', json_extract(state, '$.endedMs') - ${olderMs})`,
  }),
};

const POSTGRES: Dialect = {
  columnsOf: (table) => `select column_name::text as name from information_schema.columns
    where table_schema = current_schema() and table_name = '${table}' order by ordinal_position`,
  copies: (most) => `generate_series(1, ${most}) as copy(n)`,
  hex: (value) => `lpad(to_hex(${value}), 12, '0')`,
  scheduledMs: `(details::json ->> 'scheduledMs')::bigint`,
  endedBefore: (olderMs) => ({ ended_ms: `ended_ms - ${olderMs}` }),
};

type Ask = (sql: string) => Promise<unknown>;

export interface LongHistory {
  readonly tasks: number;
  /** The public id of one of the runs: of a copy, where there are any. */
  readonly sampleRun: string;
}

/**
 * `times`: how many there are of each row then, the real one among them; with 1, the database is only tended like those
 * that it is compared with. Throws when a run has not completed.
 */
export async function multiplyHistory({ folder = '', database }: Place, times: number): Promise<LongHistory> {
  const multiply = database ? inPostgres(database, times) : inSqlite(join(folder, 'conductor.db'), times);
  const [{ tasks, unfinished, sample }] = sizeSchema.parse(await multiply);
  if (unfinished > 0) throw new Error(`${unfinished} runs of the past have not completed`);
  return { tasks, sampleRun: sample };
}

/** One transaction on the embedded store's terms: flushed once, at its end. */
async function inSqlite(path: string, times: number): Promise<unknown> {
  const sqlite = openDatabase(path);
  const ask: Ask = async (sql) => sqlite.prepare(sql).all([]);
  try {
    // A rollback journal holds only what was there before. The server turns its own log on again.
    for (const pragma of ['journal_mode = truncate', 'cache_size = -262144']) sqlite.exec(`pragma ${pragma}`);
    sqlite.exec('begin immediate');
    for (const insert of await insertsOf(SQLITE, ask, times)) sqlite.exec(insert);
    sqlite.exec('commit');
    return await ask(SIZE);
  } finally {
    sqlite.close();
  }
}

/** Followed by what a database of that size has behind it: vacuum, statistics and a checkpoint. */
async function inPostgres(url: string, times: number): Promise<unknown> {
  const client = new pg.Client(url);
  await client.connect();
  const ask: Ask = async (sql) => (await client.query(sql)).rows;
  try {
    for (const insert of await insertsOf(POSTGRES, ask, times)) await ask(insert);
    for (const table of ['run', 'task']) {
      await ask(`select setval('${table}_block', max(row_id) / ${KEY_BLOCK} + 1) from ${table}`);
      await ask(`vacuum (analyze) ${table}`);
    }
    await ask('checkpoint');
    return await ask(SIZE);
  } finally {
    await client.end();
  }
}

async function insertsOf(dialect: Dialect, ask: Ask, times: number): Promise<string[]> {
  if (times === 1) return [];
  const [span] = spanSchema.parse(await ask(SPAN));
  const olderMs = `(${times} - copy.n) * ${APART_MS}`;
  const run = {
    row_id: `row_id + copy.n * ${span.run}`,
    id: idOf(dialect, `created_ms - ${olderMs}`),
    created_ms: `created_ms - ${olderMs}`,
    ...dialect.endedBefore(olderMs),
  };
  const task = {
    row_id: `row_id + copy.n * ${span.task}`,
    run_row_id: `run_row_id + copy.n * ${span.run}`,
    id: idOf(dialect, `${dialect.scheduledMs} - ${olderMs}`),
  };
  const insert = async (table: string, changed: Readonly<Record<string, string>>) => {
    const columns = namesSchema.parse(await ask(dialect.columnsOf(table))).map(({ name }) => name);
    const values = columns.map((name) => changed[name] ?? name);
    return `insert into ${table} (${columns.join(', ')}) select ${values.join(', ')}
      from ${dialect.copies(times - 1)} cross join ${table} order by copy.n, ${table}.row_id`;
  };
  return [await insert('run', run), await insert('task', task)];
}

/** Ids begin with their time: the copy's is as random as the original's, and lies where an id of its time lies. */
function idOf({ hex }: Dialect, atMs: string): string {
  const time = hex(atMs);
  return `substr(${time}, 1, 8) || '-' || substr(${time}, 9, 4) || substr(id, 14)`;
}
