// WAIT: open until an instant, or until somebody updates it. The instant is kept in visibleMs, so that a restart knows it.

import type { JsonValue } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { Flow, TaskType } from './task-type.ts';
import { parseDurationMs, parseUntilMs } from './wait-time.ts';

export const wait: TaskType = {
  type: 'WAIT',
  check(task, report) {
    const { duration, until } = task.inputParameters;
    if (isGiven(duration) && isGiven(until)) {
      report('inputParameters', "Both 'duration' and 'until' specified. Please provide only one input");
    }
  },
  start(flow, task) {
    const wakeMs = wakeAt(task, flow.now);
    if (typeof wakeMs === 'string') {
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason: wakeMs });
      return;
    }
    const waiting: Task = { ...task, status: 'IN_PROGRESS', visibleMs: wakeMs ?? 0 };
    if (wakeMs !== null && wakeMs <= flow.now) complete(flow, waiting);
    else flow.watch(flow.put(waiting));
  },
  wake: complete,
};

function complete(flow: Flow, task: Task): void {
  flow.finish(task, { status: 'COMPLETED' });
}

/** The instant, null when only an update ends it, or why neither can be. */
function wakeAt(task: Task, now: number): number | null | string {
  const { duration, until } = task.input.object;
  if (isGiven(duration) && isGiven(until)) {
    return "Both 'duration' and 'until' specified. Please provide only one input";
  }
  if (isGiven(duration)) {
    const durationMs = parseDurationMs(String(duration));
    if (durationMs === undefined)
      return `Not valid duration: ${String(duration)}. Write it as in "1 days 2 hours 3 minutes 4 seconds"`;
    return now + durationMs;
  }
  if (!isGiven(until)) return null;
  return parseUntilMs(String(until)) ?? `Invalid/Unsupported Wait Until format.  Provided: ${String(until)}`;
}

function isGiven(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== '';
}
