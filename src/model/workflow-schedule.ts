// A schedule: which execution is started at which times. Conductor's WorkflowSchedule, what is kept of it beside, and the
// record of each firing.
import { z } from 'zod';
import { flag, loose, name } from './schema.ts';
import { startRequestSchema } from './start-request.ts';

/** Each is worked out for every instant, on the loop. */
const CRONS_MAX = 20;

const cron = () => z.string().trim().min(1, 'must not be empty').max(200);
const zone = () => loose(z.string().max(100)).transform((given) => given || 'UTC');
const epochMs = () => loose(z.number().int().min(0).max(8_640_000_000_000_000));

/** What its times hang on, beside whether it is paused. */
const timesShape = {
  cronExpression: loose(cron()),
  zoneId: zone(),
  /** Where there are any, they take the place of `cronExpression` and `zoneId`. */
  cronSchedules: loose(z.array(z.object({ cronExpression: cron(), zoneId: zone() })).max(CRONS_MAX)),
  /** The first and the last instant that may be one of the schedule's. */
  scheduleStartTime: epochMs(),
  scheduleEndTime: epochMs(),
};

export const scheduleTimesSchema = timed(z.object(timesShape));

export const workflowScheduleSchema = timed(
  z.object({
    name: name().max(255),
    description: loose(z.string()),
    ...timesShape,
    startWorkflowRequest: startRequestSchema,
    /** Starts what was missed, in order, after a time in which nobody could. */
    runCatchupScheduleInstances: flag(),
    paused: flag(),
    pausedReason: loose(z.string()),
    createdBy: loose(z.string()),
    updatedBy: loose(z.string()),
  }),
);

function timed<T extends z.ZodType<z.infer<z.ZodObject<typeof timesShape>>>>(schema: T): T {
  return schema
    .refine(({ cronExpression, cronSchedules = [] }) => cronExpression !== undefined || cronSchedules.length > 0, {
      path: ['cronExpression'],
      message: 'must be there, or cronSchedules',
    })
    .refine(({ scheduleStartTime: start = 0, scheduleEndTime: end = Number.POSITIVE_INFINITY }) => start <= end, {
      path: ['scheduleEndTime'],
      message: 'must not lie before scheduleStartTime',
    });
}

export type ScheduleTimes = z.infer<typeof scheduleTimesSchema>;
export type WorkflowSchedule = z.infer<typeof workflowScheduleSchema>;

export interface Cron {
  readonly cronExpression: string;
  readonly zoneId: string;
}

/** Those that a schedule goes by. */
export function cronsOf({ cronExpression, cronSchedules = [], zoneId }: ScheduleTimes): readonly Cron[] {
  if (cronSchedules.length > 0 || cronExpression === undefined) return cronSchedules;
  return [{ cronExpression, zoneId }];
}

/** A schedule as it is kept. */
export interface ScheduleRecord {
  readonly schedule: WorkflowSchedule;
  /** What its runs' AGENT tasks may run, where that hangs on who saved it. */
  readonly agentGrants?: readonly string[];
  readonly createdMs: number;
  readonly updatedMs: number;
  /** When it fires next; 0: not while it is as it is. */
  readonly nextMs: number;
  /** No instant up to this one fires any more. */
  readonly lastMs: number;
}

/** As much of a schedule as waiting for its next instant takes. */
export interface ScheduleAlarm {
  readonly name: string;
  readonly nextMs: number;
  /** The start's idempotency key, under which others may start the same. */
  readonly startKey: { readonly name: string; readonly key: string } | null;
}

export function alarmOf({ schedule, nextMs }: ScheduleRecord): ScheduleAlarm {
  const { name: workflowName, idempotencyKey: key } = schedule.startWorkflowRequest;
  return { name: schedule.name, nextMs, startKey: key === undefined ? null : { name: workflowName, key } };
}

export const SCHEDULE_STATES = ['EXECUTED', 'FAILED'] as const;

/** One firing. */
export interface ScheduleExecution {
  readonly id: string;
  readonly scheduleName: string;
  readonly workflowName: string;
  /** Of the run; null when its start was refused. */
  readonly workflowId: string | null;
  readonly state: (typeof SCHEDULE_STATES)[number];
  /** Why it was refused. */
  readonly reason: string | null;
  readonly scheduledMs: number;
  readonly executedMs: number;
  readonly cron: Cron;
}
