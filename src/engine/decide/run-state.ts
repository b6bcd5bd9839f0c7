// A run in memory: made, indexed, and moved on by decisions. Owns which attempt is the latest of a reference.
import { EMPTY_OBJECT, Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import { unpackOutput } from '../../model/raw-value.ts';
import type { Run, RunParent, Task } from '../../model/run.ts';
import { isTerminal } from '../../model/task-status.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';
import type { Plan } from '../plan/plan.ts';
import type { Decision, RunState } from './decision.ts';
import { isLaterOfStep } from './skip-task.ts';
import { runDueMs } from './timeouts.ts';

/** What a run is made of, beside its plan. */
export interface RunSeed {
  readonly rowId: number;
  readonly id: string;
  /** Absent: the run is its own root. */
  readonly rootId?: string;
  readonly parent: RunParent | null;
  readonly input: Json;
  readonly correlationId: string | null;
  readonly priority: number;
  readonly taskToDomain: Readonly<Record<string, string>>;
  readonly createdBy: string | null;
  readonly agentGrants?: readonly string[];
  readonly event?: string;
  /** The parent's. */
  readonly payers?: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | null;
  /** Laid over the definition's. */
  readonly variables?: JsonObject;
  readonly now: number;
}

/** A RUNNING run that has decided nothing yet: send it `{ kind: 'start' }`. */
export function newRun(plan: Plan, seed: RunSeed): Run {
  const { definition } = plan;
  const payers = payersOf(seed, definition);
  const run: Run = {
    rowId: seed.rowId,
    id: seed.id,
    rootId: seed.rootId ?? seed.id,
    snapshotId: plan.snapshotId,
    name: definition.name,
    version: definition.version,
    correlationId: seed.correlationId,
    priority: seed.priority,
    taskToDomain: seed.taskToDomain,
    createdBy: seed.createdBy,
    ...(seed.agentGrants && { agentGrants: seed.agentGrants }),
    ...(seed.event !== undefined && { event: seed.event }),
    ...(payers && { payers }),
    parent: seed.parent,
    idempotencyKey: seed.idempotencyKey,
    input: withTemplate(seed.input, definition.inputTemplate),
    createdMs: seed.now,
    status: 'RUNNING',
    output: EMPTY_OBJECT,
    variables: Json.of(seed.variables ? { ...definition.variables, ...seed.variables } : definition.variables),
    reason: null,
    failedRefs: [],
    failedNames: [],
    updatedMs: seed.now,
    endedMs: 0,
    lastRetriedMs: 0,
    dueMs: 0,
    lastSeq: 0,
    openTasks: 0,
    sequenceDone: false,
  };
  const dueMs = runDueMs(plan, run);
  return dueMs === 0 ? run : { ...run, dueMs };
}

/** Conductor fills in the template only for an input that holds something; clients rely on it. */
function withTemplate(input: Json, template: JsonObject): Json {
  if (Object.keys(template).length === 0 || Object.keys(input.object).length === 0) return input;
  return Json.of({ ...template, ...input.object });
}

/** Indexes a loaded run. `tasks` ascending by seq. The maps belong to the state: `applyDecision` moves them on. */
export function indexRun(run: Run, tasks: Iterable<Task>): RunState {
  const state = {
    run,
    tasks: new Map<number, Task>(),
    latest: new Map<string, Task>(),
    latestOfStep: new Map<string, Task>(),
  };
  for (const task of tasks) {
    state.tasks.set(task.rowId, task);
    state.latest.set(task.ref, task);
    if (isLaterOfStep(task, state.latestOfStep.get(task.step))) state.latestOfStep.set(task.step, task);
  }
  return state;
}

/** Applies a decision to the state it was made on, in place, and returns the state with its new run. */
export function applyDecision(state: RunState, decision: Decision): RunState {
  mergeTasks(state, decision.inserted);
  mergeTasks(state, decision.updated);
  const { tasks, latest, latestOfStep } = state;
  return decision.run ? { run: decision.run, tasks, latest, latestOfStep } : state;
}

function payersOf({ id, payers }: RunSeed, { budget = {} }: WorkflowDefinition): Run['payers'] {
  const vendors = Object.keys(budget);
  if (vendors.length === 0) return payers;
  return { ...payers, ...Object.fromEntries(vendors.map((vendor) => [vendor, id])) };
}

/** Takes in tasks that were written since, new ones ascending by seq; in place. */
export function mergeTasks(state: RunState, changed: readonly Task[]): RunState {
  const { tasks, latest, latestOfStep } = state;
  if (!(tasks instanceof Map && latest instanceof Map && latestOfStep instanceof Map)) {
    throw new TypeError('the state was not made by indexRun');
  }
  for (const task of changed) {
    const isNew = !tasks.has(task.rowId);
    tasks.set(task.rowId, task);
    if (isNew || latest.get(task.ref)?.rowId === task.rowId) latest.set(task.ref, task);
    const known = latestOfStep.get(task.step);
    const isOther = isNew || known?.scope !== task.scope;
    if (known?.rowId === task.rowId || (isOther && isLaterOfStep(task, known))) latestOfStep.set(task.step, task);
  }
  return state;
}

/** What each reference gave last, of those that have ended. */
export function outputsOf({ latest }: RunState): Record<string, JsonValue> {
  const ended = [...latest].filter(([, task]) => isTerminal(task.status));
  return Object.fromEntries(ended.map(([ref, task]) => [ref, unpackOutput(task.output.object)]));
}
