// Reads of schedules and of their firings. Must never look at more firings than told. Names are in the order of their
// bytes, as in every store.
import type { ScheduleExecution, ScheduleRecord } from '../../model/workflow-schedule.ts';
import { FOUND_MAX, type Reads, type ScheduleExecutionFilter } from '../reads.ts';
import type { Querier } from './querier.ts';
import { documentOf, numberOf, stored, storedOrNull, textOf, textOrNull } from './text-column.ts';

type ScheduleReads = Pick<Reads, 'schedule' | 'schedules' | 'scheduleAlarms' | 'searchScheduleExecutions'>;

const FITS = `where ($2::text[] is null or workflow_name = any($2)) and ($3::text[] is null or workflow_id = any($3))
  and ($4::text is null or $4 in (id, schedule_name, workflow_name, workflow_id))
  and state = any($5::text[]) and scheduled_ms between $6 and $7`;

/** Of each schedule by itself where some are named: each is found by its own part of the index. */
function lookedAt(inOrder: string, named: boolean): string {
  const walk = (condition: string) =>
    `select * from schedule_execution where ${condition} executed_ms between $8 and $9 ${inOrder} limit ${FOUND_MAX}`;
  const ofEach = `select walked.* from unnest($1::text[]) as wanted(name)
    cross join lateral (${walk('schedule_name = wanted.name and')}) as walked ${inOrder} limit ${FOUND_MAX}`;
  return `(${named ? ofEach : walk('$1::text[] is null and')}) as looked_at`;
}

export function scheduleReads(querier: Querier): ScheduleReads {
  return {
    schedule: async (name) => {
      const [row] = await querier.all('select document from schedule where name = $1', [stored(name)]);
      return row ? documentOf<ScheduleRecord>(row) : null;
    },

    schedules: async () => {
      const rows = await querier.all('select document from schedule order by name collate "C"', []);
      return rows.map((row) => documentOf<ScheduleRecord>(row));
    },

    scheduleAlarms: async () => {
      const rows = await querier.all('select name, next_ms, start_name, start_key from schedule where next_ms > 0', []);
      return rows.map((row) => {
        const key = textOrNull(row, 'start_key');
        const startKey = key === null ? null : { name: textOf(row, 'start_name'), key };
        return { name: textOf(row, 'name'), nextMs: numberOf(row, 'next_ms'), startKey };
      });
    },

    searchScheduleExecutions: async (filter, order, { start, count }) => {
      const direction = order === 'newest' ? 'desc' : 'asc';
      const inOrder = `order by executed_ms ${direction}, row_id ${direction}`;
      const fitting = `from ${lookedAt(inOrder, filter.scheduleNames !== null)} ${FITS}`;
      const values = valuesOf(filter);
      const [[counted = {}], rows] = await Promise.all([
        querier.all(`select count(*) as total ${fitting}`, values),
        querier.all(`select document ${fitting} ${inOrder} limit $10 offset $11`, [...values, count, start]),
      ]);
      return { total: numberOf(counted, 'total'), executions: rows.map((row) => documentOf<ScheduleExecution>(row)) };
    },
  };
}

function valuesOf(filter: ScheduleExecutionFilter): unknown[] {
  const { scheduleNames, names, runIds, text, statuses, scheduled, executed } = filter;
  const texts = (list: readonly string[] | null) => list?.map(stored) ?? null;
  return [
    texts(scheduleNames),
    texts(names),
    texts(runIds),
    storedOrNull(text),
    statuses,
    scheduled.fromMs,
    scheduled.toMs,
    executed.fromMs,
    executed.toMs,
  ];
}
