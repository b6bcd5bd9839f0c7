// What every task is born with, whatever its type: its place in the run, its input, its times.
import type { Template } from '../../expressions/template.ts';
import { EMPTY_OBJECT, Json } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { Step } from '../plan/plan.ts';
import { type Flow, type Place, queueOf, type TaskType, wireTypeOf } from '../tasks/task-type.ts';

/** Inputs without expressions are the same for every task of a step: one document, one text. */
const constants = new WeakMap<Template, Json>();
const UNKNOWN: TaskType = { type: 'SIMPLE', queued: true };

/** Not yet part of a run: its maker may still set what it is born with. */
export type NewTask = { -readonly [Field in keyof Task]: Task[Field] };

/** A SCHEDULED task of `step`; the attempt after `previous` where there is one. */
export function newTask(
  flow: Flow,
  step: Step,
  place: Place,
  previous: Task | null,
  delayMs: number,
  id: string,
  input: Json,
): NewTask {
  const { now, run } = flow;
  const type = flow.types.get(step.type) ?? UNKNOWN;
  return {
    rowId: flow.context.newRowId(),
    id,
    runRowId: run.rowId,
    ref: step.ref + place.scope,
    step: step.ref,
    scope: place.scope,
    iteration: place.iteration,
    type: wireTypeOf(type, step.name),
    defName: step.name,
    queue: queueOf(type, step.name),
    domain: null,
    seq: run.lastSeq + 1,
    attempt: previous ? previous.attempt + 1 : 0,
    retriedTaskId: previous?.id ?? null,
    input,
    fragment: place.fragment,
    forkRowId: place.forkRowId,
    responseTimeoutSeconds: 0,
    startDelaySeconds: Math.ceil(delayMs / 1000),
    scheduledMs: now,
    firstScheduledMs: previous?.firstScheduledMs ?? now,
    status: 'SCHEDULED',
    output: EMPTY_OBJECT,
    reason: null,
    workerId: null,
    pollCount: 0,
    callbackAfterSeconds: 0,
    startedMs: 0,
    endedMs: 0,
    updatedMs: now,
    visibleMs: delayMs > 0 ? now + delayMs : 0,
    dueMs: 0,
    retried: false,
    executed: false,
    waiting: 0,
    subRunId: null,
  };
}

/** What the step's inputParameters resolve to. Throws ExpressionError. */
export function inputOf(flow: Flow, step: Step, place: Place, taskId: string): Json {
  const { input, fallback } = step;
  if (input.constant && !fallback) return constantInput(input);
  const scope = flow.scope(place, step, taskId);
  const resolved = Json.of(input.resolve(scope));
  if (!fallback) return resolved;
  const filled = { ...resolved.object };
  for (const [key, value] of Object.entries(Json.of(fallback.resolve(scope)).object)) filled[key] ??= value;
  return Json.of(filled);
}

function constantInput(template: Template): Json {
  const known = constants.get(template);
  if (known) return known;
  const input = Json.of(template.resolve({ lookup: () => undefined }));
  constants.set(template, input);
  return input;
}
