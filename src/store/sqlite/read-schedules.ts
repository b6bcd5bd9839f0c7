// Reads of schedules and of their firings. Must never look at more firings than told.
import type { ScheduleExecution, ScheduleRecord } from '../../model/workflow-schedule.ts';
import type { LoadedSchedules } from '../port.ts';
import { FOUND_MAX, type Reads, type ScheduleExecutionFilter } from '../reads.ts';
import { documentOf, numberOf, stored, storedOrNull, textOf, textOrNull } from '../rows/text-column.ts';
import type { SqlValue } from './driver.ts';
import type { Querier } from './readers.ts';

type ScheduleReads = Pick<Reads, 'schedule' | 'schedules' | 'scheduleAlarms' | 'searchScheduleExecutions'>;

const OF_SCHEDULES = 'schedule_name in (select value from json_each(?1)) and';
const FITS = `where (?2 is null or workflow_name in (select value from json_each(?2)))
  and (?3 is null or workflow_id in (select value from json_each(?3)))
  and (?4 is null or ?4 in (id, schedule_name, workflow_name, workflow_id))
  and state in (select value from json_each(?5)) and scheduled_ms between ?6 and ?7`;

export async function loadSchedules(querier: Querier, names: readonly string[]): Promise<LoadedSchedules> {
  const wanted = JSON.stringify(names.map(stored));
  const rows = await querier.all(
    'select document from schedule where name in (select value from json_each(?))',
    wanted,
  );
  return { found: rows.map((row) => documentOf<ScheduleRecord>(row)), busy: [] };
}

export function scheduleReads(querier: Querier): ScheduleReads {
  return {
    schedule: async (name) => (await loadSchedules(querier, [name])).found[0] ?? null,

    schedules: async () => {
      const rows = await querier.all('select document from schedule order by name');
      return rows.map((row) => documentOf<ScheduleRecord>(row));
    },

    scheduleAlarms: async () => {
      const rows = await querier.all('select name, next_ms, start_name, start_key from schedule where next_ms > 0');
      return rows.map((row) => {
        const key = textOrNull(row, 'start_key');
        const startKey = key === null ? null : { name: textOf(row, 'start_name'), key };
        return { name: textOf(row, 'name'), nextMs: numberOf(row, 'next_ms'), startKey };
      });
    },

    searchScheduleExecutions: async (filter, order, { start, count }) => {
      const direction = order === 'newest' ? 'desc' : 'asc';
      const inOrder = `order by executed_ms ${direction}, row_id ${direction}`;
      const looked = `(select * from schedule_execution where ${filter.scheduleNames ? OF_SCHEDULES : ''}
        executed_ms between ?8 and ?9 ${inOrder} limit ${FOUND_MAX})`;
      const values = valuesOf(filter);
      const [[counted] = [], rows = []] = await querier.query(
        { sql: `select count(*) as total from ${looked} ${FITS}`, values },
        {
          sql: `select document from ${looked} ${FITS} ${inOrder} limit ?10 offset ?11`,
          values: [...values, count, start],
        },
      );
      return {
        total: counted ? numberOf(counted, 'total') : 0,
        executions: rows.map((row) => documentOf<ScheduleExecution>(row)),
      };
    },
  };
}

function valuesOf(filter: ScheduleExecutionFilter): SqlValue[] {
  const { scheduleNames, names, runIds, text, statuses, scheduled, executed } = filter;
  const texts = (list: readonly string[] | null) => list && JSON.stringify(list.map(stored));
  return [
    texts(scheduleNames),
    texts(names),
    texts(runIds),
    storedOrNull(text),
    JSON.stringify(statuses),
    scheduled.fromMs,
    scheduled.toMs,
    executed.fromMs,
    executed.toMs,
  ];
}
