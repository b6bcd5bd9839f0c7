import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../model/json.ts';
import { createDatabases } from './databases.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'conductor-databases-'));
const databases = createDatabases({ dataDir, postgres: {} });
afterAll(async () => {
  await databases.close();
  rmSync(dataDir, { recursive: true });
});

const LIMITS = { rowsMax: 100, timeoutMs: 20_000 };
const ENDLESS = 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n';

const read = (sql: string, parameters: readonly JsonValue[] = [], changes = {}) =>
  databases.open('DB').query(sql, parameters, { readOnly: true, ...LIMITS, ...changes });
const write = (sql: string, parameters: readonly JsonValue[] = []) =>
  databases.open('DB').query(sql, parameters, { readOnly: false, ...LIMITS });

describe('a SQLite database of the project', () => {
  it('keeps what is written, in a file of its own', async () => {
    await write('create table person (id integer primary key, name text, tags text)');
    expect(await write('insert into person (name, tags) values (?, ?), (?, ?)', ['Ada', ['x'], "Bo'b", null])).toEqual({
      rows: [],
      changes: 2,
    });
    expect(await write('insert into person (name) values (?) returning id, name', ['Cy'])).toEqual({
      rows: [{ id: 3, name: 'Cy' }],
      changes: 1,
    });
    expect(await read('select name, tags from person where name = ?', ["Bo'b"])).toMatchObject({
      rows: [{ name: "Bo'b", tags: null }],
    });
    expect((await read('select tags from person where id = ?;', [1])).rows).toEqual([{ tags: '["x"]' }]);
    expect(existsSync(join(dataDir, 'databases', 'DB.db'))).toBe(true);
  });

  it('takes a value for a value, whatever is in it', async () => {
    const name = "x'); drop table person; --";
    await write('insert into person (name) values (?)', [name]);
    expect((await read('select count(*) as n from person where name = ?', [name])).rows).toEqual([{ n: 1 }]);
  });

  it('writes nothing for a query that may only read', async () => {
    for (const sql of ["insert into person (name) values ('no')", 'delete from person', 'create table other (a)']) {
      await expect(read(sql)).rejects.toThrow(/readonly/i);
    }
    await expect(read('with a as (select 1) delete from person')).rejects.toThrow(/readonly|syntax/i);
  });

  it('gives no more rows than asked for', async () => {
    const many = 'with recursive n(i) as (select 1 union all select i + 1 from n) select i from n';
    expect((await read(many, [], { rowsMax: 3 })).rows).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }]);
  });

  it('reaches no other file and no extension', async () => {
    for (const sql of ["attach 'x' as y", "vacuum into '/tmp/x'", 'pragma query_only = off']) {
      await expect(write(sql)).rejects.toThrow(/not allowed/);
    }
    await expect(write("select load_extension('x')")).rejects.toThrow(/not authorized|no such function/i);
  });

  it('kills a statement that takes too long, and answers the next', async () => {
    await expect(read(ENDLESS, [], { timeoutMs: 1_500 })).rejects.toThrow('no answer within 1500 ms');
    expect((await read('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('kills a statement for which nobody waits any more', async () => {
    await read('select 1');
    const stop = new AbortController();
    const running = read(ENDLESS, [], { signal: stop.signal });
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
    expect((await read('select 2 as two')).rows).toEqual([{ two: 2 }]);
  });

  it('answers many at once, each with its own', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => read('select ? as n', [n])));
    answers.forEach(({ rows }, n) => {
      expect(rows).toEqual([{ n }]);
    });
  });

  it('keeps bindings apart, and takes no path for one', async () => {
    await databases.open('OTHER').query('create table a (b)', [], { readOnly: false, ...LIMITS });
    await expect(read('select * from a')).rejects.toThrow(/no such table/);
    for (const name of ['../conductor', '', 'a/b', 'x'.repeat(65), '1a', 'a.b']) {
      expect(() => databases.open(name)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    }
  });

  it('says what is wrong with the SQL or the parameters', async () => {
    await expect(read('select missing')).rejects.toThrow(/^SQL: no such column: missing/);
    await expect(read('select ?', [])).rejects.toThrow('The SQL has 1 "?", but 0 parameters were given.');
  });
});

/** A server that asks for something endless, and prints the database process's id once that has been sent. */
const SERVER = `
const [script, path, text] = process.argv.slice(1);
const child = require('node:child_process').fork(script, [path], { execArgv: ['--import', 'tsx'], stdio: 'ignore' });
const ask = (requestId, text) => child.send({ requestId, text, values: [], readOnly: true, returnsRows: true });
child.once('message', () => { ask(2, text); console.log(child.pid); });
ask(1, 'select 1');`;

describe('the process of a SQLite database', () => {
  it('ends with the server, also when that is killed in the middle of a statement', async () => {
    const script = fileURLToPath(new URL('./sqlite-process.ts', import.meta.url));
    const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
    const server: ChildProcess = spawn(process.execPath, ['-e', SERVER, script, join(dataDir, 'orphan.db'), ENDLESS], {
      stdio,
    });
    const [printed]: unknown[] = server.stdout ? await once(server.stdout, 'data') : [];
    const databaseProcessId = Number(String(printed));
    expect(isAlive(databaseProcessId)).toBe(true);
    server.kill('SIGKILL');
    const ended = await eventually(() => !isAlive(databaseProcessId));
    if (!ended) process.kill(databaseProcessId, 'SIGKILL');
    expect(ended).toBe(true);
  });
});

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

/** No event tells of the end of a process that is not our child. */
async function eventually(holds: () => boolean): Promise<boolean> {
  for (let tried = 0; tried < 200 && !holds(); tried += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  return holds();
}
