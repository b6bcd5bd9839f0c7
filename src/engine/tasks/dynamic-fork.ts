// FORK_JOIN_DYNAMIC: one branch per item of a list that only the run knows. All branches are checked before the first is
// scheduled. What a branch costs does not depend on how many there are.
import { isJsonObject, Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { WorkflowTask } from '../../model/workflow-definition.ts';
import { BranchParser, buildFragment, type Fragment, rememberFragment } from '../plan/build-fragment.ts';
import type { Step } from '../plan/plan.ts';
import { shortForm } from '../plan/rules.ts';
import { readBranches } from './dynamic-branches.ts';
import { afterFork, endFork } from './fork-join.ts';
import { type Flow, type Place, placeOf, type Report, type TaskType } from './task-type.ts';

export const dynamicFork: TaskType = {
  type: 'FORK_JOIN_DYNAMIC',
  wireType: 'FORK',
  control: true,
  check(task, report) {
    const { forkTaskName, forkTaskType, forkTaskWorkflow } = task.inputParameters;
    const isPerItem = [forkTaskName, forkTaskType, forkTaskWorkflow].some((given) => given !== undefined);
    if (!isPerItem && !task.dynamicForkTasksParam && !task.dynamicForkJoinTasksParam) {
      report(
        'dynamicForkTasksParam',
        'FORK_JOIN_DYNAMIC needs dynamicForkTasksParam, dynamicForkJoinTasksParam, or forkTaskName with forkTaskInputs',
      );
    }
  },
  birth(flow, step, place, input) {
    const branches = readBranches(step.task, input.object, isPrefixed(flow, step, place));
    if (!branches.ok) return { reason: branches.reason };
    const registered = new Map<string, JsonObject | null>();
    const tasks = branches.tasks.map((task) => withRules(flow, task, registered));
    const forkedTasks = tasks.map(({ taskReferenceName }) => String(taskReferenceName) + place.scope);
    return { input: Json.of({ forkedTaskDefs: tasks, forkedTasks }) };
  },
  start(flow, task, step) {
    const fragments = task.reason === null ? compileBranches(flow, task) : task.reason;
    if (typeof fragments === 'string') {
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason: fragments });
      return;
    }
    const place = placeOf(task);
    endFork(flow, task, step, fragments.length);
    for (const { document, fragment } of fragments) {
      flow.schedule(fragment.root, { ...place, forkRowId: task.rowId, fragment: document });
    }
    afterFork(flow, task, step, fragments.length);
  },
};

interface Branch {
  readonly document: Json;
  readonly fragment: Fragment;
}

/**
 * Whether another dynamic fork may have used the short generated references already. In a run that starts over each is
 * spelled as it was, for what was done is found by its reference.
 */
function isPrefixed(flow: Flow, step: Step, place: Place): boolean {
  if (place.fragment !== null) return true;
  const { before } = flow;
  const first = firstBranch(before?.latest.get(step.ref + place.scope));
  if (first) return first.ref === `_${step.ref}_${first.name}_0`;
  const isKnown = ({ ref }: Step) => Boolean(flow.latestOfStep(ref) ?? before?.latestOfStep.get(ref));
  return flow.plan.dynamicForks.some((fork) => fork.ref !== step.ref && isKnown(fork));
}

function firstBranch(fork: Task | undefined): { readonly ref: JsonValue; readonly name: JsonValue } | undefined {
  const { forkedTaskDefs } = fork?.input.object ?? {};
  const [first] = Array.isArray(forkedTaskDefs) ? forkedTaskDefs : [];
  return isJsonObject(first) ? { ref: first.taskReferenceName ?? null, name: first.name ?? null } : undefined;
}

/** Freezes the registered rules of a task type that the definition does not mention, as its snapshot would have. */
function withRules(flow: Flow, task: JsonObject, registered: Map<string, JsonObject | null>): JsonObject {
  const { name, taskDefinition } = task;
  if (typeof name !== 'string' || isJsonObject(taskDefinition)) return task;
  if (Object.hasOwn(flow.plan.taskDefinitions, name)) return task;
  let rules = registered.get(name);
  if (rules === undefined) {
    const definition = flow.context.taskDefinition?.(name);
    rules = definition ? shortForm(definition) : null;
    registered.set(name, rules);
  }
  return rules ? { ...task, taskDefinition: rules } : task;
}

/** Every branch compiled, or the first thing that is wrong with one. */
function compileBranches(flow: Flow, task: Task): Branch[] | string {
  const { forkedTaskDefs } = task.input.object;
  const parser = new BranchParser();
  const used = new Set<string>();
  const branches: Branch[] = [];
  for (const raw of Array.isArray(forkedTaskDefs) ? forkedTaskDefs : []) {
    const parsed = isJsonObject(raw) ? parser.parse(raw) : undefined;
    if (!parsed) return `Input of the dynamic fork is invalid. Not a workflow task: ${JSON.stringify(raw)}`;
    const branch = compileBranch(flow, Json.of(raw), parsed);
    const fault = typeof branch === 'string' ? branch : takenReference(flow, branch.fragment, task, used);
    if (fault !== undefined) return fault;
    if (typeof branch !== 'string') branches.push(branch);
  }
  return branches;
}

function compileBranch(flow: Flow, document: Json, task: WorkflowTask): Branch | string {
  const faults: string[] = [];
  const fragment = buildFragment(task, flow.plan.taskDefinitions, (type) => flow.types.has(type), faults);
  const report: Report = (_field, message) => faults.push(message);
  for (const step of fragment.steps.values()) flow.types.get(step.type)?.check?.(step.task, report);
  if (faults.length > 0) return `Dynamic task ${task.taskReferenceName} is not valid: ${faults[0]}`;
  rememberFragment(document, fragment);
  return { document, fragment };
}

/** References are unique in a run: a second task of one name would be taken for another attempt of the first. */
function takenReference(flow: Flow, fragment: Fragment, task: Task, used: Set<string>): string | undefined {
  for (const ref of fragment.steps.keys()) {
    if (used.has(ref) || flow.plan.steps.has(ref) || flow.latest(ref + task.scope)) {
      return `No dynamic tasks could be created for the Workflow: ${flow.run.id}, duplicate task reference name: ${ref}`;
    }
    used.add(ref);
  }
  return undefined;
}
