// Key-value pairs that all processes share, each change one atomic statement. What has expired is absent at once, and
// removed on the way, a little at a time. Must never remove a pair that was written anew meanwhile.
import type { SharedKeyValues } from '../shared-port.ts';
import type { Querier } from './querier.ts';
import { stored, textOf } from './text-column.ts';

const live = (now: string) => `(expires_ms = 0 or expires_ms > ${now})`;
const AT = 'binding = $1 and key = $2';

const GET = `select value from key_value where ${AT} and ${live('$3')}`;
const INSERT = 'insert into key_value (binding, key, value, expires_ms) values ($1, $2, $3, $4)';
const PUT = `${INSERT} on conflict (binding, key) do update set value = excluded.value, expires_ms = excluded.expires_ms`;
const DELETE = `delete from key_value where ${AT}`;
/** Taken by one of those who try at once: the others wait for it, and then find a pair that is live. */
const ADD = `${PUT} where key_value.expires_ms > 0 and key_value.expires_ms <= $5 returning 1 as done`;
const EXCHANGE = `update key_value set value = $3, expires_ms = $4
  where ${AT} and value = $6 and ${live('$5')} returning 1 as done`;
/** No UTF-8 text holds the byte 255, so the keys that begin with a prefix are a stretch of the index. */
const LIST = `select convert_from(key, 'UTF8') as name from key_value
  where binding = $1 and key >= $2 and key < $3 and key > $4 and ${live('$5')} order by key limit $6`;

/** Looked at again under its lock: it may have been written anew. By the database's clock, a minute later. */
const EXPIRED = `expires_ms > 0 and expires_ms < (extract(epoch from now()) * 1000)::bigint - 60000`;
const SWEEP = `delete from key_value where ${EXPIRED} and (binding, key) in
  (select binding, key from key_value where ${EXPIRED} order by expires_ms limit $1)`;
const SWEEP_EVERY = 256;
/** More than what can come in between. */
const SWEPT_MAX = 4096;

export function keyValues(querier: Querier): SharedKeyValues {
  let unswept = 0;
  const written = async () => {
    unswept += 1;
    if (unswept < SWEEP_EVERY) return;
    unswept = 0;
    // Two that remove the same rows at once may get in each other's way; what one leaves the next takes.
    await querier.all(SWEEP, [SWEPT_MAX], 'sweep_key_values').catch(() => undefined);
  };
  return {
    get: async (binding, key, now) => {
      const [row] = await querier.all(GET, [binding, bytes(key), now], 'get_key_value');
      return row ? textOf(row, 'value') : null;
    },
    put: async (binding, key, { value, expiresMs }) => {
      await querier.all(PUT, [binding, bytes(key), stored(value), expiresMs], 'put_key_value');
      await written();
    },
    delete: async (binding, key) => {
      await querier.all(DELETE, [binding, bytes(key)], 'delete_key_value');
    },
    list: async (binding, prefix, after, limit, now) => {
      const from = bytes(prefix);
      const bounds = [from, Buffer.concat([from, Buffer.of(255)]), bytes(after)];
      const rows = await querier.all(LIST, [binding, ...bounds, now, limit], 'list_key_values');
      return rows.map((row) => textOf(row, 'name'));
    },
    replace: async (binding, key, expected, { value, expiresMs }, now) => {
      const given = [binding, bytes(key), stored(value), expiresMs, now];
      const rows =
        expected === null
          ? await querier.all(ADD, given, 'add_key_value')
          : await querier.all(EXCHANGE, [...given, stored(expected)], 'exchange_key_value');
      await written();
      return rows.length > 0;
    },
  };
}

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
