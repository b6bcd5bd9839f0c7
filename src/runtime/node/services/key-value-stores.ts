// Key-value stores on the agents' database: the local equivalent of KV namespaces. Owns expiry: an expired key is absent
// at once, and taken out a few at a time by later writes. Must never let one binding see another's keys.
import { AppError } from '../../../model/error.ts';
import type { KeyValueStore, KeyValueStores } from '../../../operations/operation.ts';
import { stored, textOf } from '../../../store/rows/text-column.ts';
import { checkBinding } from '../../binding-name.ts';
import type { AgentsDatabase } from './agents-database.ts';

const KEY_BYTES_MAX = 512;
/** Each write takes out as many, so that what expired never piles up. */
const SWEPT_PER_WRITE = 4;

const LIVE = '(expires_ms is null or expires_ms > ?)';
const GET = `select value from kv where binding = ? and key = ? and ${LIVE}`;
const PUT = `insert into kv values (?, ?, ?, ?)
  on conflict do update set value = excluded.value, expires_ms = excluded.expires_ms returning 1 as done`;
const DELETE = 'delete from kv where binding = ? and key = ? returning 1 as done';
const SWEEP = `delete from kv where (binding, key) in
  (select binding, key from kv where expires_ms <= ? order by expires_ms limit ${SWEPT_PER_WRITE}) returning 1 as done`;
/** The bounds keep it to a stretch of the index; what comes after the last character of all is nobody's key. */
const LIST = `select key from kv where binding = ? and key >= ? and key < ? || char(1114111) and key > ?
  and substr(key, 1, ?) = ? and ${LIVE} order by key limit ?`;

export function createKeyValueStores(database: AgentsDatabase, clock: { now(): number }): KeyValueStores {
  return { open: (binding) => openStore(database, clock, checkBinding(binding)) };
}

function openStore(database: AgentsDatabase, clock: { now(): number }, binding: string): KeyValueStore {
  const present = (key: string): string | null => {
    const [row] = database.all(GET, binding, checkKey(key), clock.now());
    return row ? textOf(row, 'value') : null;
  };
  const write = (key: string, value: string, ttlSeconds: number): void => {
    const now = clock.now();
    database.all(PUT, binding, checkKey(key), stored(value), ttlSeconds > 0 ? now + ttlSeconds * 1000 : null);
    database.all(SWEEP, now);
  };
  return {
    get: async (key) => present(key),
    put: async (key, value, ttlSeconds) => database.within(() => write(key, value, ttlSeconds)),
    delete: async (key) => void database.all(DELETE, binding, checkKey(key)),
    list: async (prefix, limit, cursor) => {
      // The cursor is the last key that was given: pages stay whole however much is written in between.
      const after = cursor ?? '';
      const bounds = [prefix, prefix, after, [...prefix].length, prefix];
      const rows = database.all(LIST, binding, ...bounds, clock.now(), limit + 1);
      const keys = rows.slice(0, limit).map((row) => String(row.key));
      return { keys, cursor: rows.length > limit ? (keys.at(-1) ?? null) : null };
    },
    replace: async (key, expected, value, ttlSeconds) =>
      database.within(() => {
        if (present(key) !== expected) return false;
        write(key, value, ttlSeconds);
        return true;
      }),
  };
}

/** Throws AppError invalid_request. */
export function checkKey(key: string): string {
  const bytes = new TextEncoder().encode(key).byteLength;
  if (bytes > 0 && bytes <= KEY_BYTES_MAX && !key.includes('\0')) return key;
  throw new AppError('invalid_request', `A key has 1 to ${KEY_BYTES_MAX} bytes, and no NUL among them.`);
}
