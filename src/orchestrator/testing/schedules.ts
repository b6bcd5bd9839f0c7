// For tests of schedules: a clock that can be set forward, and short words for what they do and ask.
import { SCHEDULE_STATES, type ScheduleExecution, workflowScheduleSchema } from '../../model/workflow-schedule.ts';
import type { Store } from '../../store/port.ts';
import type { Orchestrator } from '../orchestrator-api.ts';

export const HOUR_MS = 3_600_000;
export const HOURLY = '0 0 * * * *';
export const EVERY_SECOND = '* * * * * *';

/** Stands at half past an hour and goes on from there. */
export function settableClock() {
  let aheadMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS / 2 - Date.now();
  return {
    now: () => Date.now() + aheadMs,
    forward(ms: number) {
      aheadMs += ms;
    },
  };
}

export const ANYBODY = { id: 'somebody', allow: () => undefined };

export function saveSchedule(orchestrator: Orchestrator, wire: object) {
  const given = { name: 'hourly', cronExpression: HOURLY, startWorkflowRequest: { name: 'one' }, ...wire };
  return orchestrator.schedules.save(workflowScheduleSchema.parse(given), ANYBODY);
}

/** Oldest first. */
export async function firingsOf({ reads }: Store, scheduleName = 'hourly'): Promise<ScheduleExecution[]> {
  const ever = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  const filter = { names: null, runIds: null, statuses: SCHEDULE_STATES, scheduled: ever, text: null };
  const { executions } = await reads.searchScheduleExecutions(
    { ...filter, scheduleNames: [scheduleName], executed: ever },
    'oldest',
    { start: 0, count: 10_000 },
  );
  return executions;
}

/** When it fires next, as committed; null: it is not there. */
export async function nextMsOf({ reads }: Store, name = 'hourly'): Promise<number | null> {
  return (await reads.schedule(name))?.nextMs ?? null;
}
