import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { openBench } from '../testing/operation-context.ts';
import { data } from './data.ts';

const bench = openBench();
afterAll(() => bench.close());

const run = async (config: JsonObject, input: JsonValue = {}) => data.run(bench.context(input, config));

describe('data', () => {
  it('executes and queries with parameters, from config or input', async () => {
    await run({ operation: 'execute', sql: 'create table item (id integer primary key, name text)' });
    const insert = 'insert into item (name) values (?)';
    expect(await run({ operation: 'execute', sql: insert, params: ['a'] })).toEqual({ changes: 1, rows: [] });
    expect(await run({ backend: 'sqlite', operation: 'execute', query: insert }, { params: ["b'"] })).toMatchObject({
      changes: 1,
    });
    expect(await run({ database: 'sqlite', sql: 'select name from item where id > ?' }, { params: [0] })).toEqual({
      rows: [{ name: 'a' }, { name: "b'" }],
      count: 2,
      truncated: false,
    });
  });

  it('says when there are more rows than it gives', async () => {
    const all = 'with recursive n(i) as (select 1 union all select i + 1 from n) select i from n';
    expect(await run({ sql: `${all} limit 3`, rowsMax: 2 })).toEqual({
      rows: [{ i: 1 }, { i: 2 }],
      count: 2,
      truncated: true,
    });
  });

  it('reads only, unless told otherwise', async () => {
    await expect(run({ sql: 'delete from item' })).rejects.toThrow(/readonly/);
    await expect(run({ operation: 'execute', readOnly: true, sql: 'delete from item' })).rejects.toThrow(/forbids/);
    const returning = {
      operation: 'query',
      readOnly: false,
      sql: "insert into item (name) values ('c') returning name",
    };
    expect(await run(returning)).toMatchObject({ rows: [{ name: 'c' }] });
  });

  it('takes SQL from its config alone, and passes it as it is written', async () => {
    expect(data.literal).toEqual(['sql', 'query']);
    await expect(run({}, { sql: 'select 1', query: 'select 1' })).rejects.toThrow(/config\.sql is missing/);
  });

  it('refuses a binding of the other dialect', async () => {
    await expect(run({ database: 'postgres', sql: 'select 1' })).rejects.toThrow(/is a sqlite database/);
  });

  it('ends when the execution does', async () => {
    const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n';
    const stop = new AbortController();
    const running = data.run(bench.context({}, { sql: endless }, { signal: stop.signal }));
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });
});
