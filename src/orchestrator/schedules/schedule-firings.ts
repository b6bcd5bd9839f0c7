// Fires schedules when they come due: the next time moves on, the run is started and the firing is recorded in one commit.
// Every process that shares the store tries; the one that gets the schedule's lock first fires it, and the others find
// that its time has moved. Owns the alarm. Must never fire an instant that the round finds fired.
import { AppError } from '../../model/error.ts';
import { Json, type JsonObject } from '../../model/json.ts';
import {
  alarmOf,
  cronsOf,
  type ScheduleAlarm,
  type ScheduleExecution,
  type ScheduleRecord,
} from '../../model/workflow-schedule.ts';
import type { StartedRun } from '../../store/port.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import type { Core } from '../core.ts';
import { BUSY } from '../ports.ts';
import { decideStart } from '../start-run.ts';
import { Wakeups } from '../wakeups.ts';
import { type CronTime, nextTime } from './cron-times.ts';

/** Without catch-up, what nobody fired for so long is missed. A restart, or the next replica, is quicker. */
const LATE_MS_MAX = 10_000;
/** A timer stands still while its machine sleeps, and a clock may be put right: the time is looked at again after so long. */
const LOOK_MS_MAX = 5_000;
/** Instants of one schedule, and schedules, in one go; what is left comes in the next rounds, among other work. */
const FIRINGS_MAX = 20;
const SCHEDULES_MAX = 25;
/** Of inputs that one schedule writes in one round, unless a single one is larger. */
const INPUT_CHARS_MAX = 1024 * 1024;

export class ScheduleFirings {
  readonly #core: Core;
  readonly #mayRing: () => boolean;
  #wakeups: Wakeups;

  /** `mayRing`: memory mirrors the store, and the server is not stopping. */
  constructor(core: Core, mayRing: () => boolean) {
    this.#core = core;
    this.#mayRing = mayRing;
    this.#wakeups = this.#newWakeups();
  }

  /** After what may have changed which time is the next. */
  rearm(): void {
    const { clock, schedules } = this.#core;
    const { nextDueMs } = schedules;
    if (nextDueMs !== undefined) this.#wakeups.arm(Math.min(nextDueMs, clock.now() + LOOK_MS_MAX));
  }

  /** Sets the alarm anew: it was set by a clock that may have been put right since. */
  reset(): void {
    this.stop();
    this.#wakeups = this.#newWakeups();
    this.rearm();
  }

  stop(): void {
    this.#wakeups.stop();
  }

  #newWakeups(): Wakeups {
    return new Wakeups(this.#core.clock, () => this.#ring());
  }

  #ring(): void {
    if (!this.#mayRing()) return;
    const { clock, schedules } = this.#core;
    for (const alarm of schedules.takeDue(clock.now(), SCHEDULES_MAX)) this.#fire(alarm);
    this.rearm();
  }

  /** Should its round be lost, memory is read anew, and it is due again. */
  #fire(alarm: ScheduleAlarm): void {
    const { loop, schedules, startKeys } = this.#core;
    const { name } = alarm;
    let { startKey } = alarm;
    let earlier: StartedRun | null = null;
    const load = async (...loads: readonly Promise<unknown>[]) => {
      if ((await Promise.all(loads)).includes(BUSY)) return BUSY;
      // Keys of a round are locked in one go, so one that another process has changed waits for the next round.
      const record = schedules.get(name);
      const present = record ? alarmOf(record).startKey : startKey;
      if (present?.key === startKey?.key && present?.name === startKey?.name) return undefined;
      startKey = present;
      return BUSY;
    };
    const submitted = loop.submit({
      load: (round) => {
        const asked = startKey ? startKeys.ask(startKey, round) : Promise.resolve(null);
        const started = asked.then((run) => {
          earlier = run;
        });
        return load(Promise.resolve(this.#core.load(round, [])), schedules.load(name, round), started);
      },
      decide: (batch, now) => {
        const record = schedules.get(name);
        if (!record || record.nextMs === 0 || record.nextMs > now) return;
        schedules.put(this.#fireDue(record, earlier, batch, now), 'fired');
      },
    });
    submitted.catch(() => undefined);
  }

  #fireDue(record: ScheduleRecord, earlier: StartedRun | null, batch: WriteBatch, now: number): ScheduleRecord {
    const { schedule, nextMs } = record;
    const missedBeforeMs = schedule.runCatchupScheduleInstances ? nextMs : now - LATE_MS_MAX;
    const inputChars = Json.of(schedule.startWorkflowRequest.input).text.length;
    const most = Math.min(FIRINGS_MAX, Math.max(1, Math.floor(INPUT_CHARS_MAX / inputChars)));
    let { lastMs } = record;
    try {
      let time = nextTime(schedule, Math.max(lastMs, nextMs - 1, missedBeforeMs - 1));
      for (let count = 0; count < most && time && time.atMs <= now; count += 1) {
        batch.scheduleExecutions.push(this.#start(record, time, earlier, batch, now));
        lastMs = time.atMs;
        time = nextTime(schedule, lastMs);
      }
      return { ...record, lastMs, nextMs: time?.atMs ?? 0 };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // Its crons were understood when it was saved, but are no more: it would be due for ever.
      const [cron = { cronExpression: '', zoneId: 'UTC' }] = cronsOf(schedule);
      batch.scheduleExecutions.push(this.#refused(record, { atMs: nextMs, cron }, this.#core.newId(), now, error));
      return { ...record, lastMs, nextMs: 0, schedule: { ...schedule, paused: true, pausedReason: error.message } };
    }
  }

  #start(
    record: ScheduleRecord,
    time: CronTime,
    earlier: StartedRun | null,
    batch: WriteBatch,
    now: number,
  ): ScheduleExecution {
    const { schedule, agentGrants } = record;
    const { createdBy = schedule.createdBy, ...rest } = schedule.startWorkflowRequest;
    const id = this.#core.newId();
    const input: JsonObject = {
      ...rest.input,
      _startedByScheduler: schedule.name,
      _scheduledTime: time.atMs,
      _executedTime: now,
      _executionId: id,
      _schedulerCron: `${time.cron.cronExpression} ${time.cron.zoneId}`,
    };
    const request = { ...rest, createdBy, input };
    try {
      const workflowId = decideStart(this.#core, { request, input: Json.of(input), agentGrants, earlier }, batch, now);
      return { ...firing(record, time, id, now), workflowId, state: 'EXECUTED', reason: null };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return this.#refused(record, time, id, now, error);
    }
  }

  #refused(record: ScheduleRecord, time: CronTime, id: string, now: number, { message }: AppError): ScheduleExecution {
    return { ...firing(record, time, id, now), workflowId: null, state: 'FAILED', reason: message };
  }
}

function firing({ schedule }: ScheduleRecord, { atMs, cron }: CronTime, id: string, now: number) {
  const workflowName = schedule.startWorkflowRequest.name;
  return { id, scheduleName: schedule.name, workflowName, scheduledMs: atMs, executedMs: now, cron };
}
