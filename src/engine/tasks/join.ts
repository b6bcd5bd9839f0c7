// JOIN: counts down what it waits for and ends when nothing is left. It never polls, so that ten thousand branches cost
// per branch what ten do; the listed tasks are read once, at its end.
import { Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import { isSuccessful, isTerminal } from '../../model/task-status.ts';
import type { Step } from '../plan/plan.ts';
import { boundedReasons } from './reasons.ts';
import { type Ending, type Flow, type Place, placeOf, type TaskType } from './task-type.ts';

export const join: TaskType = {
  type: 'JOIN',
  control: true,
  birth(flow, step, place, input) {
    const listed = listedRefs(flow, step, place);
    return {
      status: 'IN_PROGRESS',
      startedMs: flow.now,
      visibleMs: 0,
      input: Json.of({ ...input.object, joinOn: listed }),
      waiting: isDynamic(step) ? listed.length : openAnchors(flow, step, place),
    };
  },
  revive(flow, task, step) {
    const revived = flow.put({ ...task, waiting: openBranches(flow, task, step) });
    if (revived.waiting === 0) flow.makeReady(revived);
  },
  start(flow, task) {
    if (task.waiting === 0) flow.finish(task, outcome(flow, task));
  },
  wake(flow, task) {
    const counted = flow.put({ ...task, waiting: task.waiting - 1 });
    if (counted.waiting === 0) flow.finish(counted, outcome(flow, counted));
  },
};

function openAnchors(flow: Flow, step: Step, place: Place): number {
  return step.anchors.filter((anchor) => !isDone(flow, anchor, place)).length;
}

/** Of a dynamic fork each branch has counted itself, once; only after the count was out may one be open again. */
function openBranches(flow: Flow, task: Task, step: Step): number {
  if (!isDynamic(step)) return openAnchors(flow, step, placeOf(task));
  if (task.waiting > 0) return task.waiting;
  return [...joinedTasks(flow, task)].filter(({ status }) => !isTerminal(status)).length;
}

function isDynamic(step: Step): boolean {
  return step.fork?.type === 'FORK_JOIN_DYNAMIC';
}

/** Wire names of what it waits for. */
function listedRefs(flow: Flow, step: Step, place: Place): string[] {
  if (!isDynamic(step)) return step.joinOn.map((ref) => inScope(flow, ref, place.scope)?.ref ?? ref + place.scope);
  const forked = flow.latest((step.fork?.ref ?? '') + place.scope)?.input.object.forkedTasks;
  return Array.isArray(forked) ? forked.filter((ref) => typeof ref === 'string') : [];
}

/** Over with everything inside it. */
function isDone(flow: Flow, anchor: Step, place: Place): boolean {
  const scope = place.scope
    .split('__')
    .slice(0, anchor.depth + 1)
    .join('__');
  const task = flow.latest(anchor.ref + scope);
  return task?.executed === true && !task.retried && task.waiting === 0;
}

function outcome(flow: Flow, task: Task): Ending {
  const output: JsonObject = {};
  const failures: Task[] = [];
  const blemished: Task[] = [];
  for (const joined of joinedTasks(flow, task)) {
    const { object } = joined.output;
    if (Object.keys(object).length > 0) output[joined.ref] = object;
    if (!isSuccessful(joined.status)) failures.push(joined);
    else if (joined.status === 'COMPLETED_WITH_ERRORS') blemished.push(joined);
  }
  if (failures.length > 0) {
    const isCancelled = failures.every((failed) => failed.status === 'CANCELED');
    const reasons = failures.map((failed) => failed.reason ?? '').filter((reason) => reason !== '');
    return {
      status: isCancelled ? 'CANCELED' : 'FAILED',
      output: Json.of(output),
      reason: boundedReasons(reasons, ' '),
    };
  }
  if (blemished.length === 0) return { status: 'COMPLETED', output: Json.of(output) };
  const reasons = blemished.map(({ defName, id }) => `${defName}/${id} completed with errors`);
  return { status: 'COMPLETED_WITH_ERRORS', output: Json.of(output), reason: boundedReasons(reasons, ' ') };
}

function* joinedTasks(flow: Flow, task: Task): Generator<Task> {
  const step = flow.stepOf(task);
  if (!isDynamic(step)) {
    for (const ref of step.joinOn) {
      const joined = inScope(flow, ref, task.scope);
      if (joined) yield joined;
    }
    return;
  }
  const refs: JsonValue = task.input.object.joinOn ?? [];
  if (!Array.isArray(refs)) return;
  for (const ref of refs) {
    const joined = typeof ref === 'string' ? flow.latest(ref) : undefined;
    if (joined) yield joined;
  }
}

/** The task of a reference in this loop position or one around or inside it; never that of another iteration. */
export function inScope(flow: Flow, ref: string, scope: string): Task | undefined {
  for (let at = scope; ; at = at.slice(0, Math.max(0, at.lastIndexOf('__')))) {
    const task = flow.latest(ref + at);
    if (task) return task;
    if (at === '') break;
  }
  const latest = flow.latestOfStep(ref);
  return latest?.scope.startsWith(`${scope}__`) ? latest : undefined;
}
