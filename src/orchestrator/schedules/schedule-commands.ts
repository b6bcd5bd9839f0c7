// What people do with schedules: save, remove, pause, resume. Each is one decision of the loop on the schedule as it is
// committed. Must never let a saved schedule fire an instant that has been fired, or lose one that it still owes.
import { compilePlan } from '../../engine/plan/compile.ts';
import { AppError } from '../../model/error.ts';
import { Json } from '../../model/json.ts';
import type { ScheduleRecord, ScheduleTimes, WorkflowSchedule } from '../../model/workflow-schedule.ts';
import type { Freshness } from '../../store/freshness.ts';
import type { Core } from '../core.ts';
import { checkCrons, nextTime } from './cron-times.ts';

/** Who changes a schedule. */
export interface ScheduleCaller {
  readonly id: string;
  readonly agentGrants?: readonly string[];
  /** Throws AppError forbidden unless it may have this workflow started. */
  allow(workflowName: string): void;
}

/** Committed before they resolve. Rejects with AppError not_found, forbidden, or what is wrong with the schedule. */
export interface Schedules {
  /** Creates it, or replaces one of the same name. */
  save(schedule: WorkflowSchedule, caller: ScheduleCaller): Promise<ScheduleRecord>;
  remove(name: string, caller: ScheduleCaller): Promise<void>;
  /** What comes due while it is paused is not made up for. */
  pause(name: string, reason: string | null, caller: ScheduleCaller): Promise<void>;
  resume(name: string, caller: ScheduleCaller): Promise<void>;
  /** Reads anew when each comes due, and sets the alarm anew. */
  requeue(): Promise<void>;
  /** The next instants from now on, at most so many. Throws AppError invalid_request. */
  next(times: ScheduleTimes, limit: number): number[];
}

export class ScheduleCommands implements Schedules {
  readonly #core: Core;
  readonly #freshness: Freshness | null;

  constructor(core: Core, freshness: Freshness | null) {
    this.#core = core;
    this.#freshness = freshness;
  }

  async save(given: WorkflowSchedule, caller: ScheduleCaller): Promise<ScheduleRecord> {
    this.#check(given);
    return this.#change(given.name, caller, (known, now) => {
      const { createdBy = caller.id } = known?.schedule ?? {};
      const pausedReason = given.paused ? given.pausedReason : undefined;
      const schedule = { ...given, pausedReason, createdBy, updatedBy: caller.id };
      const { createdMs = now, lastMs = 0 } = known ?? {};
      // Saved again as it was, it still owes what it has missed.
      const owed = known && timesOf(known.schedule) === timesOf(given) ? known.nextMs : 0;
      const { agentGrants } = caller;
      return {
        schedule,
        agentGrants,
        createdMs,
        updatedMs: now,
        lastMs,
        nextMs: owed || nextMsOf(schedule, now, lastMs),
      };
    });
  }

  /** One that is not there is gone already: as Conductor has it, for scripts that remove before they save. */
  async remove(name: string, caller: ScheduleCaller): Promise<void> {
    await this.#change(name, caller, () => null);
  }

  async pause(name: string, reason: string | null, caller: ScheduleCaller): Promise<void> {
    await this.#change(name, caller, (known, now) => {
      if (!known) throw noSuchSchedule(name);
      const schedule = { ...known.schedule, paused: true, pausedReason: reason ?? undefined, updatedBy: caller.id };
      return { ...known, schedule, updatedMs: now, nextMs: 0 };
    });
  }

  async resume(name: string, caller: ScheduleCaller): Promise<void> {
    await this.#change(name, caller, (known, now) => {
      if (!known) throw noSuchSchedule(name);
      if (!known.schedule.paused) return known;
      const schedule = { ...known.schedule, paused: false, pausedReason: undefined, updatedBy: caller.id };
      return { ...known, schedule, updatedMs: now, nextMs: nextMsOf(schedule, now, known.lastMs) };
    });
  }

  requeue(): Promise<void> {
    return this.#core.requeue();
  }

  next(times: ScheduleTimes, limit: number): number[] {
    const now = this.#core.clock.now();
    checkCrons(times, now);
    const found: number[] = [];
    for (let next = nextTime(times, now); next && found.length < limit; next = nextTime(times, next.atMs)) {
      found.push(next.atMs);
    }
    return found;
  }

  /** `decide` says what becomes of it; null: it goes. In a shared store nobody else saves any until the round ends. */
  #change<T extends ScheduleRecord | null>(
    name: string,
    caller: ScheduleCaller,
    decide: (known: ScheduleRecord | null, now: number) => T,
  ): Promise<T> {
    const { loop, schedules } = this.#core;
    return loop.submit({
      load: async (round) => {
        if (round.shared) await this.#freshness?.accept(await round.shared.lockStamps());
        await this.#core.load(round, []);
        return schedules.load(name, round);
      },
      decide: (_, now) => {
        const known = schedules.get(name);
        if (known) caller.allow(known.schedule.startWorkflowRequest.name);
        const record = decide(known, now);
        if (!record && known) schedules.remove(name);
        else if (record && record !== known) schedules.put(record, 'saved');
        return record;
      },
    });
  }

  #check(schedule: WorkflowSchedule): void {
    const { clock, hooks, payloadBytesMax } = this.#core;
    checkCrons(schedule, clock.now());
    const { workflowDef } = schedule.startWorkflowRequest;
    if (workflowDef) {
      compilePlan(workflowDef, {}, 'check');
      hooks.check(workflowDef);
    }
    const document = Json.text(JSON.stringify(schedule));
    if (document.text.length > payloadBytesMax) {
      throw new AppError('payload_too_large', `The schedule has more than ${payloadBytesMax} bytes.`);
    }
    if (hooks.conceal(document, schedule.name) === document) return;
    const mend =
      'it would be kept in clear, and expire: give the workflow a budget, whose keys each run gets for itself';
    throw new AppError('invalid_request', `The schedule holds a vault key: ${mend}.`);
  }
}

export function noSuchSchedule(name: string): AppError {
  return new AppError('not_found', `No such schedule found by name: ${name}`);
}

function nextMsOf(schedule: WorkflowSchedule, now: number, lastMs: number): number {
  return schedule.paused ? 0 : (nextTime(schedule, Math.max(now, lastMs))?.atMs ?? 0);
}

/** All that its times hang on. */
function timesOf(schedule: WorkflowSchedule): string {
  const { cronExpression, cronSchedules, zoneId, paused, scheduleStartTime, scheduleEndTime } = schedule;
  return JSON.stringify([cronExpression, cronSchedules, zoneId, paused, scheduleStartTime, scheduleEndTime]);
}
