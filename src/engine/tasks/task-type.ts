// What a task type is to the engine, and what the engine offers to a task type. One file per type implements it; the
// registry lists them. A type must act on the run through `Flow` only, and never keep state of its own.

import type { Scope, Template } from '../../expressions/template.ts';
import type { Json, JsonObject, JsonValue } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import type { TaskStatus } from '../../model/task-status.ts';
import type { WorkflowTask } from '../../model/workflow-definition.ts';
import type { ChildOutcome, DecideContext, Effect, RunState } from '../decide/decision.ts';
import type { Plan, Step } from '../plan/plan.ts';

/** Where in the run a sequence runs: loop position and dynamic branch. Every task of the sequence shares it. */
export interface Place {
  readonly scope: string;
  readonly iteration: number;
  readonly forkRowId: number;
  readonly fragment: Json | null;
}

export const ROOT_PLACE: Place = { scope: '', iteration: 0, forkRowId: 0, fragment: null };

export function placeOf(task: Task): Place {
  return { scope: task.scope, iteration: task.iteration, forkRowId: task.forkRowId, fragment: task.fragment };
}

/** How a task ends. `output` absent: as it is. */
export interface Ending {
  readonly status: TaskStatus;
  readonly output?: Json;
  readonly reason?: string | null;
}

export interface Flow {
  readonly now: number;
  readonly plan: Plan;
  readonly context: DecideContext;
  readonly types: TaskTypes;
  readonly run: Run;
  /** What the run did in its last life, while it takes over what it keeps of it. */
  readonly before: Pick<RunState, 'latest' | 'latestOfStep'> | null;
  task(rowId: number): Task | undefined;
  /** Latest attempt under a wire reference name (loop suffix included). */
  latest(ref: string): Task | undefined;
  latestOfStep(step: string): Task | undefined;
  stepOf(task: Task): Step;
  /** Stores a new value of a task; counts open tasks. Fields that never change may change only in the decision that inserted it. */
  put(task: Task): Task;
  patchRun(patch: Partial<Run>): void;
  /** Inserts the step's task, once per reference. Engine-run types are started before the decision ends. */
  schedule(step: Step, place: Place): void;
  /** Makes a task terminal and lets the run react: successors, retry, failure. */
  finish(task: Task, ending: Ending): void;
  /** The step and everything inside it is over: what waits for it is told and its sequence goes on. */
  done(step: Step, place: Place): void;
  /** Has `start` called for an engine-run task before the decision ends. */
  makeReady(task: Task): void;
  /** Sets dueMs anew after a change of its times. */
  watch(task: Task): Task;
  resolve(template: Template, place: Place, step: Step | null): JsonValue;
  /** What the definition's expressions see from a place; `taskId` of the task being made, where there is one. */
  scope(place: Place, step: Step | null, taskId?: string): Scope;
  emit(effect: Effect): void;
  endRun(ending: RunEnding): void;
  /** False when the decision has done much already: a loop should go on in the next one. */
  mayContinue(): boolean;
}

export interface RunEnding {
  readonly status: 'COMPLETED' | 'FAILED' | 'TIMED_OUT' | 'TERMINATED';
  readonly reason: string | null;
  /** The task that made it so. */
  readonly task?: Task;
  /** Instead of the definition's output. */
  readonly output?: JsonObject;
  readonly withFailureWorkflow: boolean;
}

/** Reports a fault of a definition: `field` is the property of the task it is about. */
export type Report = (field: string, message: string) => void;

export interface TaskType {
  readonly type: string;
  /** taskType on the wire where it differs from `type`. */
  readonly wireType?: string;
  /** Handed out through a queue, to workers or in process; the engine never runs it. */
  readonly queued?: boolean;
  /** Steers the run: it is never retried, and nobody outside may update it. */
  readonly control?: boolean;
  /** It acts on the run itself: a run that starts over has it act again, whatever it did before. */
  readonly steers?: boolean;
  check?(task: WorkflowTask, report: Report): void;
  /** Fields it is born with, beside the usual ones. `input` is what its inputParameters resolved to. */
  birth?(flow: Flow, step: Step, place: Place, input: Json): Partial<Task>;
  /** The step's turn has come. */
  start?(flow: Flow, task: Task, step: Step): void;
  /** Something it counts ended, or the clock reached its visibleMs while IN_PROGRESS. */
  wake?(flow: Flow, task: Task, step: Step): void;
  /** Why its tasks can only fail here, and what to use instead. */
  readonly notRun?: string;
  /** Somebody else ends it: the run's end, a time limit, an update from outside. */
  abandon?(flow: Flow, task: Task, reason: string): void;
  /** The run goes on after its end: `task` is IN_PROGRESS again, and must wait for just what is still to come. */
  revive?(flow: Flow, task: Task, step: Step): void;
  /** Whether there is anything to revive. Absent: whatever did not end in an error of its own. */
  hasBegun?(task: Task): boolean;
  childStarted?(flow: Flow, task: Task, childId: string): void;
  childEnded?(flow: Flow, task: Task, child: ChildOutcome): void;
}

/** The queue a type hands its tasks out by, or null. Workers are told apart by task name, in-process types by type. */
export function queueOf(type: TaskType, taskName: string): string | null {
  if (!type.queued) return null;
  return type.type === 'SIMPLE' ? taskName : type.type;
}

/** taskType on the wire. */
export function wireTypeOf(type: TaskType, taskName: string): string {
  return type.type === 'SIMPLE' ? taskName : (type.wireType ?? type.type);
}

export type TaskTypes = ReadonlyMap<string, TaskType>;
