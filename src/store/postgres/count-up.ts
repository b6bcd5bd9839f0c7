// Counters that all processes share, each counted by one atomic upsert. What has expired is removed on the way, a little
// at a time, so that the table stays as small as what is in use.
import type { Counter, SharedStore } from '../shared-port.ts';
import type { Querier } from './querier.ts';
import { indexable, numberOf } from './text-column.ts';

/** By name, so that two that meet wait for each other in one order. */
const COUNT_UP = `insert into counter (name, expires_ms, count)
  select * from unnest($1::text[], $2::bigint[], $3::bigint[]) as given(name, expires_ms, count) order by name
  on conflict (name) do update
    set count = counter.count + excluded.count, expires_ms = greatest(counter.expires_ms, excluded.expires_ms)
  returning name, count`;

/** By the database's clock, a minute later: processes whose clocks differ a little still count together. */
const LONG_OVER = 'expires_ms < (extract(epoch from now()) * 1000)::bigint - 60000';
/** Asked again of each row that is removed: it may have been counted up since it was chosen. */
const SWEEP = `delete from counter where ${LONG_OVER}
    and name in (select name from counter where ${LONG_OVER} order by expires_ms limit $1)`;
const SWEEP_EVERY = 256;
/** More than what can come in between. */
const SWEPT_MAX = 4096;

interface Sum {
  expiresMs: number;
  added: number;
}

export function counting(querier: Querier): SharedStore['countUp'] {
  let unswept = 0;
  return async (counters) => {
    if (counters.length === 0) return [];
    const counts = await countUp(querier, counters);
    unswept += counters.length;
    if (unswept >= SWEEP_EVERY) {
      unswept = 0;
      // Two that remove the same rows at once may get in each other's way; what one leaves the next takes.
      await querier.all(SWEEP, [SWEPT_MAX], 'sweep_counters').catch(() => undefined);
    }
    return counts;
  };
}

async function countUp(querier: Querier, counters: readonly Counter[]): Promise<number[]> {
  const sums = new Map<string, Sum>();
  const places = counters.map(({ name, expiresMs }) => {
    const column = indexable(name);
    const sum = sums.get(column) ?? { expiresMs: 0, added: 0 };
    sums.set(column, sum);
    sum.expiresMs = Math.max(sum.expiresMs, expiresMs);
    sum.added += 1;
    return { sum, column, place: sum.added };
  });
  const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  const values = [
    sorted.map(([column]) => column),
    sorted.map(([, { expiresMs }]) => expiresMs),
    sorted.map(([, { added }]) => added),
  ];
  const rows = await querier.all(COUNT_UP, values, 'count_up');
  const totals = new Map(rows.map((row) => [row.name, numberOf(row, 'count')]));
  return places.map(({ sum, column, place }) => (totals.get(column) ?? 0) - sum.added + place);
}
