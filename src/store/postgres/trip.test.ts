// Several statements in one trip: what goes over the wire comes back as it was, and a failure stops all that follows it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/support/postgres-database.ts';
import { Pool, type Session } from './pool.ts';

const UNAVAILABLE = { code: 'store_unavailable' };
const LISTS = 'select * from unnest($1::bigint[], $2::text[]) as given(number, text)';
const BEGIN = { name: 'begin', sql: 'begin', values: [] };
const COMMIT = { name: 'commit', sql: 'commit', values: [] };
const insert = (number: number) => ({ name: 'insert', sql: 'insert into kept values ($1)', values: [number] });

const pools: Pool[] = [];
let url: string;

beforeAll(async () => {
  url = await createTestDatabase();
  await inSession(true, (session) => session.script('create table kept (number bigint primary key)'));
});
afterAll(() => Promise.all(pools.map((pool) => pool.close())));

async function inSession<T>(prepared: boolean, work: (session: Session) => Promise<T>): Promise<T> {
  const pool = new Pool({ url, poolSize: 1, statementTimeoutMs: 5000, connectTimeoutMs: 3000, prepared, settings: [] });
  pools.push(pool);
  const session = await pool.take();
  try {
    return await work(session);
  } finally {
    session.release();
  }
}

describe.each([{ prepared: true }, { prepared: false }])('a session, prepared: $prepared', ({ prepared }) => {
  it('carries lists as they are, again and again', () =>
    inSession(prepared, async (session) => {
      const numbers = [0, -1, 2 ** 31, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
      const texts = ['', null, '{"a":"\\"b\\"",\\\\}', 'NULL', 'żółć 🙂', 'x'.repeat(100_000)];
      const expected = numbers.map((number, index) => ({ number, text: texts[index] }));
      for (let time = 0; time < 3; time++)
        expect(await session.all(LISTS, [numbers, texts], 'lists')).toEqual(expected);
      expect(await session.all(LISTS, [[], []], 'lists')).toEqual([]);
    }));

  it('stops at the first statement that fails, before the commit, and goes on as before', () =>
    inSession(prepared, async (session) => {
      const kept = () => session.all('select number from kept order by number', [], 'kept');
      await session.trip([BEGIN, insert(1), COMMIT]);
      await expect(session.trip([BEGIN, insert(2), insert(1), insert(3), COMMIT])).rejects.toMatchObject(UNAVAILABLE);
      // What had failed says so when it is committed, and keeps nothing.
      expect(await session.trip([COMMIT])).toMatchObject([{ tag: 'ROLLBACK' }]);
      expect(await kept()).toEqual([{ number: 1 }]);
      await session.trip([BEGIN, insert(4), { name: 'clear', sql: 'delete from kept', values: [] }, COMMIT]);
      expect(await kept()).toEqual([]);
    }));

  it('sends nothing when one value cannot be sent', () =>
    inSession(prepared, async (session) => {
      const odd = { name: 'lists', sql: LISTS, values: [[1.5], ['']] };
      await expect(session.trip([insert(5), odd])).rejects.toThrow();
      await expect(session.trip([insert(5), { ...odd, values: [[1], [Symbol('text')]] }])).rejects.toThrow();
      expect(await session.all('select number from kept', [], 'all_kept')).toEqual([]);
    }));
});
