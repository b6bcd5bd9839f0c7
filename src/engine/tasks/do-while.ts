// DO_WHILE: runs its body again while its condition holds, or once per item. Iterations are told apart by a suffix of
// their references, one per enclosing loop. While it runs its output is only where it stands (see loop-output.ts).
import { Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import { isSuccessful, isTerminal } from '../../model/task-status.ts';
import type { ScriptResult } from '../decide/decision.ts';
import type { Step } from '../plan/plan.ts';
import { iterationOf, iterationOutput, iterationTasks, loopOutput } from './loop-output.ts';
import { boundedReasons } from './reasons.ts';
import { isTruthy } from './script-result.ts';
import { type Flow, type Place, placeOf, type TaskType } from './task-type.ts';

const ITEMS = '_items';

export const doWhile: TaskType = {
  type: 'DO_WHILE',
  control: true,
  check(task, report) {
    if (!task.loopCondition && task.items === undefined && task.inputParameters[ITEMS] === undefined) {
      report('loopCondition', 'DO_WHILE needs a loopCondition or items');
    }
    if (task.loopOver.length === 0) report('loopOver', 'DO_WHILE needs at least one task in loopOver');
  },
  birth(flow, step, place, input) {
    const items = listOf(flow, step, place, input.object[ITEMS]);
    // The list is kept with the task: what it was made of may change while the loop runs.
    return items === null ? {} : { input: Json.of({ ...input.object, [ITEMS]: items }) };
  },
  start(flow, task, step) {
    const running: Task = { ...task, status: 'IN_PROGRESS' };
    if (itemsOf(task)?.length === 0 || step.body === null) {
      flow.finish(running, { status: 'COMPLETED', output: Json.of({ iteration: 0 }) });
    } else begin(flow, running, step, 1);
  },
  hasBegun: (task) => iterationOf(task) > 0,
  revive(flow, task, step) {
    const iteration = iterationOf(task);
    const running = flow.put({ ...task, output: standing(task, iteration) });
    const isThrough = [...iterationTasks(flow, task, step, iteration)].every(isOver);
    // What failed was the loop itself: it looks at its iteration once more.
    flow.watch(isThrough ? flow.put({ ...running, visibleMs: flow.now }) : running);
  },
  wake(flow, task, step) {
    if (!flow.mayContinue()) {
      flow.watch(flow.put({ ...task, visibleMs: flow.now }));
      return;
    }
    const iteration = iterationOf(task);
    const failed = [...iterationTasks(flow, task, step, iteration)].filter(({ status }) => !isSuccessful(status));
    if (failed.length > 0) {
      const reason = boundedReasons(
        failed.map((inner) => inner.reason ?? inner.status),
        ' ',
      );
      flow.finish(task, { status: 'FAILED', output: Json.of(loopOutput(flow, task, step)), reason });
      return;
    }
    const again = goesOn(flow, task, step, iteration);
    const output = () => Json.of(loopOutput(flow, task, step));
    if (!again.ok) {
      const reason = `Unable to evaluate condition ${step.task.loopCondition ?? ''}, exception ${again.error}`;
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', output: output(), reason });
    } else if (isTruthy(again.value)) begin(flow, task, step, iteration + 1);
    else flow.finish(task, { status: 'COMPLETED', output: output() });
  },
};

function isOver({ status, executed, waiting }: Task): boolean {
  return isTerminal(status) && executed && waiting === 0;
}

function begin(flow: Flow, task: Task, step: Step, iteration: number): void {
  const now = flow.put({ ...task, output: standing(task, iteration), visibleMs: 0, updatedMs: flow.now });
  flow.watch(now);
  if (step.body) flow.schedule(step.body, inside(task, iteration));
}

/** Where the loop stands: all that its output says while it runs. */
function standing(task: Task, iteration: number): Json {
  const items = itemsOf(task);
  if (!items) return Json.of({ iteration });
  return Json.of({ iteration, loopIndex: iteration - 1, loopItem: items[iteration - 1] ?? null });
}

function inside(task: Task, iteration: number): Place {
  return { ...placeOf(task), scope: `${task.scope}__${iteration}`, iteration };
}

function goesOn(flow: Flow, task: Task, step: Step, iteration: number): ScriptResult {
  const items = itemsOf(task);
  if (items && iteration >= items.length) return { ok: true, value: false };
  const condition = step.task.loopCondition;
  if (!condition) return { ok: true, value: items !== undefined };
  return flow.context.script(condition, conditionInput(flow, task, step, iteration, condition));
}

/** Own inputs as they are now, each inner task's output under its reference, and where the loop stands under its own. */
function conditionInput(flow: Flow, task: Task, step: Step, iteration: number, condition: string): JsonObject {
  const inputs = step.input.constant ? task.input.value : flow.resolve(step.input, inside(task, iteration), step);
  return {
    ...Json.of(inputs).object,
    ...iterationOutput(flow, task, step, iteration),
    [step.ref]: readsWhole(condition, step.ref) ? loopOutput(flow, task, step) : task.output.value,
  };
}

/** Whether a condition looks at more of the loop's own output than its position: that costs the sum of all iterations. */
function readsWhole(condition: string, ref: string): boolean {
  const quoted = ref.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const own = String.raw`\$(?:\.${quoted}\b|\[\s*['"]${quoted}['"]\s*\])`;
  const position = String.raw`(?:\.|\[\s*['"])(?:iteration|loopIndex|loopItem)\b`;
  const count = (pattern: string) => condition.match(new RegExp(pattern, 'g'))?.length ?? 0;
  return count(own) !== count(own + position);
}

function itemsOf(task: Task): readonly JsonValue[] | undefined {
  const items = task.input.object[ITEMS];
  return Array.isArray(items) ? items : undefined;
}

/** Null: not a loop over items. A single value is a list of one, null a list of none. */
function listOf(flow: Flow, step: Step, place: Place, given: JsonValue | undefined): JsonValue[] | null {
  const value = step.parameter ? flow.resolve(step.parameter, place, step) : given;
  if (value === undefined) return null;
  if (value === null) return [];
  return Array.isArray(value) ? value : [value];
}
