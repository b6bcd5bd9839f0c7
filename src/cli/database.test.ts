import { describe, expect, test } from 'vitest';
import { nodeHost } from '../runtime/node/cli-host.ts';
import { Input } from './command.ts';
import { databaseOf, retentionOf } from './database.ts';
import { databaseName, redactor } from './database-url.ts';
import type { Io } from './host.ts';
import { createStyle } from './ui/style.ts';

const URL_TEXT = 'postgres://ada:s%40cret%22x@db.example:6432/conductor?sslmode=require';

function context(env: Readonly<Record<string, string>> = {}) {
  const io: Io = {
    out: () => undefined,
    err: () => undefined,
    readSecret: () => Promise.resolve(''),
    readPiped: () => Promise.resolve(undefined),
    readFile: () => '',
    env,
    color: false,
    untilStopped: () => Promise.resolve(),
  };
  return { io, host: nodeHost(), style: createStyle(false) };
}

const database = (options: object, env = {}) => databaseOf(context(env), new Input([], { ...options }));
const retention = (options: object, env = {}) => retentionOf(context(env), new Input([], { ...options }));

describe('which database', () => {
  test('none unless one is named, and DATABASE_URL names none', () => {
    expect(database({})).toBeUndefined();
    expect(database({}, { DATABASE_URL: URL_TEXT, CONDUCTOR_DATABASE: '' })).toBeUndefined();
  });

  test('a flag beats the environment', () => {
    const env = { CONDUCTOR_DATABASE: URL_TEXT, CONDUCTOR_DATABASE_POOL: '20', CONDUCTOR_DATABASE_PREPARED: 'false' };
    expect(database({}, env)).toMatchObject({ url: URL_TEXT, poolSize: 20, prepared: false });
    const other = 'postgresql://localhost/other';
    expect(database({ database: other, databasePool: '5' }, env)).toMatchObject({ url: other, poolSize: 5 });
  });

  test('every setting is read', () => {
    const options = {
      database: URL_TEXT,
      databaseListen: 'postgres://ada@db.example:5432/conductor',
      databasePool: '4',
      databasePrepared: 'true',
      databaseProfile: 'cockroach',
      databaseStatementTimeout: '2s',
      databaseConnectTimeout: '500ms',
    };
    expect(database(options)).toEqual({
      url: URL_TEXT,
      listenUrl: options.databaseListen,
      poolSize: 4,
      prepared: true,
      profile: 'cockroach',
      statementTimeoutMs: 2000,
      connectTimeoutMs: 500,
    });
  });

  test('what is wrong is said, without the address', () => {
    const cases = [
      [{ database: 'mysql://ada:s%40cret@db/x' }, '--database: A database must be given as postgres://'],
      [{ database: 'host=db password=s%40cret' }, '--database: A database must be given as postgres://'],
      [{ database: URL_TEXT, databaseListen: 'db:s%40cret' }, '--database-listen: '],
      [{ database: URL_TEXT, databasePool: '2' }, '--database-pool must be a number from 4 to 1000'],
      [{ database: URL_TEXT, databasePool: 'many' }, '--database-pool'],
      [{ database: URL_TEXT, databasePrepared: 'no' }, '--database-prepared must be true or false'],
      [{ database: URL_TEXT, databaseProfile: 'oracle' }, 'postgres, cockroach, yugabyte'],
      [{ database: URL_TEXT, databaseConnectTimeout: '5m' }, '--database-connect-timeout must be a time'],
      [{ database: URL_TEXT, databaseConnectTimeout: '0' }, '--database-connect-timeout must be more than 0'],
      [{ database: URL_TEXT, databaseStatementTimeout: '0s' }, '--database-statement-timeout must be more than 0'],
    ] as const;
    for (const [options, words] of cases) {
      expect(() => database(options), words).toThrow(words);
      expect(() => database(options)).not.toThrow('cret');
    }
  });
});

describe('how long to keep', () => {
  test('for ever unless told', () => {
    expect(retention({})).toEqual({ keepRunsMs: undefined, keepAuditMs: undefined });
    expect(retention({ keepRuns: '0' }, { CONDUCTOR_KEEP_AUDIT: '0' })).toEqual({ keepRunsMs: 0, keepAuditMs: 0 });
  });

  test('times are read as written, and an m that may mean months is refused', () => {
    const days = 86_400_000;
    expect(retention({ keepRuns: '30d', keepAudit: '2w' })).toEqual({ keepRunsMs: 30 * days, keepAuditMs: 14 * days });
    expect(retention({}, { CONDUCTOR_KEEP_RUNS: '1y', CONDUCTOR_KEEP_AUDIT: '90min' })).toEqual({
      keepRunsMs: 365 * days,
      keepAuditMs: 5_400_000,
    });
    for (const keepRuns of ['6m', '-1d', '30', '1.5d', 'd'])
      expect(() => retention({ keepRuns })).toThrow('--keep-runs');
  });
});

describe('a password', () => {
  test('is in no name of a database', () => {
    expect(databaseName(URL_TEXT)).toBe('postgres://ada@db.example:6432/conductor');
    expect(databaseName('postgres://db/x?user=ada&password=s%40cret')).toBe('postgres://db/x');
    expect(databaseName('postgresql:///x?host=/run/postgresql')).toBe('postgresql:///x');
  });

  test('is taken out of any text, however it is written', () => {
    const redacted = redactor({ url: URL_TEXT, listenUrl: 'postgres://db/x?password=other-one' });
    const text = `given ${URL_TEXT}; decoded s@cret"x; json ${JSON.stringify('s@cret"x')}; other-one`;
    expect(redacted(text)).toBe(
      'given postgres://ada:***@db.example:6432/conductor?sslmode=require; decoded ***; json "***"; ***',
    );
    expect(redactor({ url: 'postgres://ada@db/x' })('nothing to hide')).toBe('nothing to hide');
    expect(redactor(undefined)('nothing to hide')).toBe('nothing to hide');
  });
});
