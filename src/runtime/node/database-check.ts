// What a shared database is like from here, for `doctor`: looks and touches nothing. Opens two connections of its own, as
// a server would. Must never throw, and never show a password.
import pg from 'pg';
import { databaseName, redactor } from '../../cli/database-url.ts';
import type { DatabaseSettings, Finding } from '../../cli/host.ts';
import { databaseFault } from './database-fault.ts';

/** As the store has them unless told. */
const POOL_SIZE = 10;
const CONNECT_TIMEOUT_MS = 3_000;
/** Timers of a replica whose clock is off by more are noticeably early or late at the others. */
const CLOCK_APART_MS_MAX = 1_000;
const NOTICE_MS_MAX = 3_000;
const CHANNEL = 'conductor_doctor';

export async function checkDatabase(settings: DatabaseSettings): Promise<readonly Finding[]> {
  const name = databaseName(settings.url);
  const client = clientOf(settings, settings.url);
  try {
    await client.connect();
    const version = await one(client, 'select version() as value');
    return [
      finding('Database', true, `${name}; ${version.split(/[ ,(]/, 2).join(' ')}`),
      await schema(client),
      await writes(client),
      await durability(client),
      await clock(client),
      await notices(settings, client),
      await connections(settings, client),
    ];
  } catch (error) {
    const { reason, fix } = databaseFault(error);
    return [finding('Database', false, `${name}: ${redactor(settings)(reason)}. ${fix}`)];
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function schema(client: pg.Client): Promise<Finding> {
  const table = await one(client, `select coalesce(to_regclass('schema_migration')::text, '') as value`);
  if (table === '') return finding('Schema', true, 'none yet; the first start makes it');
  const version = await one(client, 'select coalesce(max(version), 0) as value from schema_migration');
  return finding('Schema', true, `version ${version}`);
}

/** A replica locks what it decides on, so it can do nothing at all where nothing can be written. */
async function writes(client: pg.Client): Promise<Finding> {
  const readOnly = await one(client, `select current_setting('transaction_read_only', true) as value`);
  if (readOnly !== 'on') return finding('Writes', true, 'allowed');
  return finding('Writes', false, 'refused: it is a standby, or default_transaction_read_only is on');
}

/** What is acknowledged is committed, and a commit is worth what these say. */
async function durability(client: pg.Client): Promise<Finding> {
  const names = ['fsync', 'synchronous_commit'];
  const off: string[] = [];
  for (const name of names) {
    if ((await one(client, `select current_setting('${name}', true) as value`)) === 'off') off.push(name);
  }
  if (off.length === 0) return finding('Durability', true, 'commits are written down before they are acknowledged');
  return finding('Durability', false, `${off.join(' and ')} off: a crash loses what was acknowledged`);
}

async function clock(client: pg.Client): Promise<Finding> {
  const beforeMs = Date.now();
  const theirs = Number(await one(client, 'select extract(epoch from clock_timestamp()) * 1000 as value'));
  // The answer was written about half way between.
  const apartMs = Math.round(theirs - (beforeMs + Date.now()) / 2);
  const ok = Math.abs(apartMs) <= CLOCK_APART_MS_MAX;
  const direction = apartMs < 0 ? 'behind' : 'ahead of';
  const detail = `the database is ${Math.abs(apartMs)} ms ${direction} this machine`;
  return finding('Clock', ok, ok ? detail : `${detail}; synchronise both (NTP)`);
}

/** Listens on one connection what the other says, as replicas do. */
async function notices(settings: DatabaseSettings, client: pg.Client): Promise<Finding> {
  const { listenUrl, url } = settings;
  const listener = clientOf(settings, listenUrl ?? url);
  try {
    await listener.connect();
    await listener.query(`listen ${CHANNEL}`);
    const heard = new Promise<boolean>((resolve) => {
      listener.on('notification', () => resolve(true));
      setTimeout(() => resolve(false), NOTICE_MS_MAX).unref();
    });
    await client.query(`notify ${CHANNEL}`);
    if (await heard) return finding('LISTEN', true, 'a notice came through');
    return finding('LISTEN', false, 'no notice came through: past a pooler, give --database-listen the direct address');
  } catch (error) {
    const { reason } = databaseFault(error);
    return finding('LISTEN', false, `${redactor(settings)(reason)}; without it other replicas look once a second`);
  } finally {
    await listener.end().catch(() => undefined);
  }
}

async function connections({ poolSize = POOL_SIZE }: DatabaseSettings, client: pg.Client): Promise<Finding> {
  const most = Number(await one(client, `select current_setting('max_connections', true) as value`));
  if (!(most > 0)) return finding('Connections', true, `${poolSize} and a listener; the database names no limit`);
  const kept =
    Number(await one(client, `select current_setting('superuser_reserved_connections', true) as value`)) || 0;
  const ours = poolSize + 1;
  const replicas = Math.floor((most - kept) / ours);
  const detail = `${ours} of ${most - kept} a replica (pool and listener)`;
  return replicas > 0
    ? finding('Connections', true, `${detail}: room for ${replicas}`)
    : finding('Connections', false, `${detail}; lower --database-pool, or raise max_connections`);
}

async function one(client: pg.Client, sql: string): Promise<string> {
  const { rows } = await client.query<{ value: unknown }>(sql);
  return String(rows[0]?.value ?? '');
}

function clientOf({ connectTimeoutMs = CONNECT_TIMEOUT_MS }: DatabaseSettings, url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: connectTimeoutMs,
  });
  // A connection that breaks reports it through the statement under way; alone, it must not end the process.
  client.on('error', () => undefined);
  return client;
}

function finding(check: string, ok: boolean, detail: string): Finding {
  return { check, ok, detail };
}
