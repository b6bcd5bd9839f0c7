// An ended run begins again under its id: whole (restart), or from one of its tasks (rerun), with the results of what
// came before it. In one round with the runs that hang on it: those between the run that was named and the task wait for
// it again, and so do ancestors that had failed with it. The old life's rows go as the new one's come.
import type { Replay } from '../engine/decide/decision.ts';
import { type Again, replayFrom } from '../engine/decide/replay.ts';
import { AppError } from '../model/error.ts';
import { Json, type JsonObject } from '../model/json.ts';
import type { Run, RunParent, Task, TaskLog } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { Core } from './core.ts';
import type { CachedRun } from './run-cache.ts';
import { type RunFamily, refuseBudget, withFamily } from './run-family.ts';
import { refuseApproval } from './task-update.ts';

/** From where, and with what instead of what the run had. Null: as it was. */
export interface Rerun {
  /** Public id; null: from the beginning. */
  readonly taskId: string | null;
  readonly taskInput: JsonObject | null;
  readonly input: JsonObject | null;
  readonly correlationId: string | null;
}

/** One run of those that begin again, outermost first: from which of its tasks, and how that is done again. */
interface Link {
  readonly cached: CachedRun;
  readonly replay: Replay | null;
}

interface Change {
  readonly definition: WorkflowDefinition | null;
  readonly input: JsonObject | null;
  readonly correlationId: string | null;
}

const AS_IT_WAS: Change = { definition: null, input: null, correlationId: null };

/** Throws not_found and conflict; invalid_definition of a latest definition that may not be run. */
export function restartRun(core: Core, runId: string, latest: boolean): Promise<void> {
  return withFamily(core, runId, (family, batch, now) => {
    const cached = family.member(runId);
    const definition = latest ? core.definitions.get(cached.state.run.name, null) : null;
    if (latest && !definition) {
      throw new AppError('not_found', `No such workflow defined. name=${cached.state.run.name}`);
    }
    const { restartable } = definition ?? cached.plan.definition;
    if (!restartable && cached.state.run.status === 'COMPLETED') {
      throw new AppError(
        'conflict',
        `Workflow ${runId} is non-restartable: its definition says so, and it is COMPLETED.`,
      );
    }
    // Whether a run has run keys is settled when it starts, for good.
    if (definition?.budget) {
      throw new AppError(
        'conflict',
        `Version ${definition.version} of ${definition.name} has a budget, which comes with the start of a run: start it anew.`,
      );
    }
    begin(core, family, [{ cached, replay: null }], { ...AS_IT_WAS, definition }, [], batch, now);
  });
}

/** Throws not_found, conflict, and invalid_request for a task that is not of the run or cannot be begun with. */
export async function rerunRun(core: Core, runId: string, rerun: Rerun): Promise<void> {
  const { taskId, input, correlationId } = rerun;
  const change = { ...AS_IT_WAS, input, correlationId };
  if (taskId === null) {
    await withFamily(core, runId, (family, batch, now) => {
      begin(core, family, [{ cached: family.member(runId), replay: null }], change, [], batch, now);
    });
    return;
  }
  const { line, logs } = await lineTo(core, runId, taskId);
  await withFamily(core, runId, (family, batch, now) => {
    const members = line.map((id) => (id === runId ? family.member(id) : family.run(id)));
    if (family.missing.length > 0) return;
    const links = linksOf(core, members, rerun, taskId, now);
    begin(core, family, links, change, logs, batch, now);
  });
}

/** The runs from the named one down to the task's, and what their tasks logged. */
async function lineTo(core: Core, runId: string, taskId: string): Promise<{ line: string[]; logs: TaskLog[] }> {
  const { reads } = core;
  const known = await reads.taskById(taskId);
  const line: string[] = [];
  for (let at: Run | null = known?.run ?? null; at; ) {
    line.unshift(at.id);
    if (at.id === runId) {
      const loaded = await Promise.all(line.map((id) => reads.run(id, true)));
      return { line, logs: await reads.logs(loaded.flatMap((one) => one?.tasks.map(({ id }) => id) ?? [])) };
    }
    at = at.parent?.notify ? ((await reads.run(at.parent.runId, false))?.run ?? null) : null;
  }
  if ((await reads.runRowId(runId)) === null) throw new AppError('not_found', `No such workflow found by id: ${runId}`);
  throw noSuchTask(taskId);
}

function linksOf(
  core: Core,
  members: readonly (CachedRun | null)[],
  rerun: Rerun,
  taskId: string,
  now: number,
): readonly Link[] {
  return members.map((cached, at) => {
    const child = members[at + 1];
    const from = cached && taskOf(cached, child?.state.run.id ?? null, taskId);
    if (!cached || !from) throw noSuchTask(taskId);
    const again: Again = child
      ? { input: null, resumesChild: true }
      : { input: inputOf(core, rerun, from, cached.state.run), resumesChild: false };
    const replay = replayFrom(cached.plan, cached.state, from, { ...core.advance.context, now }, again);
    if (typeof replay === 'string') throw new AppError('invalid_request', replay);
    return { cached, replay };
  });
}

function inputOf({ hooks, payloadBytesMax }: Core, { taskInput }: Rerun, from: Task, { rootId }: Run): Json | null {
  if (!taskInput) return null;
  // Its input says who decides it.
  refuseApproval(from);
  const input = hooks.conceal(Json.of(taskInput), rootId);
  if (input.text.length <= payloadBytesMax) return input;
  throw new AppError('payload_too_large', `The task input has more than ${payloadBytesMax} bytes.`);
}

function taskOf({ state }: CachedRun, childId: string | null, taskId: string): Task | undefined {
  for (const task of state.tasks.values()) {
    if (childId === null ? task.id === taskId : task.subRunId === childId && !task.retried) return task;
  }
  return undefined;
}

/** Nothing is changed before all of it is known to be possible: what throws, throws before. */
function begin(
  core: Core,
  family: RunFamily,
  links: readonly Link[],
  change: Change,
  logs: readonly TaskLog[],
  batch: WriteBatch,
  now: number,
): void {
  const [outermost] = links;
  if (!outermost) return;
  for (const { cached } of links) {
    const { id, status } = cached.state.run;
    if (!isRunTerminal(status)) throw new AppError('conflict', `Workflow ${id} is still running: it is ${status}.`);
    refuseBudget(cached);
  }
  const above = family.ascend(outermost.cached);
  if (family.missing.length > 0) return;
  let parent = outermost.cached.state.run.parent;
  for (const link of links) {
    const created = anew(core, link, link === outermost ? change : AS_IT_WAS, parent, batch, now);
    keepLogs(created, logs, batch);
    parent = parentFor(created, link);
    // With another input it may have gone another way: then nobody waits for those below.
    if (!parent) break;
  }
  for (const part of above) family.goOn(part, batch);
}

function anew(
  core: Core,
  { cached, replay }: Link,
  { definition, input, correlationId }: Change,
  parent: RunParent | null,
  batch: WriteBatch,
  now: number,
): CachedRun {
  const { run } = cached.state;
  return core.advance.startOver(
    cached,
    {
      ...run,
      parent,
      input: input ? Json.of(input) : run.input,
      correlationId: correlationId ?? run.correlationId,
      definition: definition ?? cached.plan.definition,
      plan: definition ? null : cached.plan,
      variables: variablesOf(cached, replay !== null),
      replay,
    },
    batch,
    now,
  );
}

/** Of an ensemble: who called it and how, which only the run knows; and the state that what is kept may have patched. */
function variablesOf({ plan: { definition }, state: { run } }: CachedRun, keepsState: boolean): JsonObject {
  if (definition.expressionLanguage !== 'ensemble') return {};
  return keepsState ? run.variables.object : { ...run.variables.object, ...definition.variables };
}

function keepLogs({ state }: CachedRun, logs: readonly TaskLog[], batch: WriteBatch): void {
  const ids = new Set([...state.tasks.values()].map(({ id }) => id));
  for (const log of logs) if (ids.has(log.taskId)) batch.logs.push(log);
}

/** The task that waits for the next run of the line, in its new row. */
function parentFor({ state: { run, latest } }: CachedRun, { replay }: Link): RunParent | null {
  const task = latest.get(replay?.from.ref ?? '');
  return task ? { runId: run.id, taskId: task.id, runRowId: run.rowId, taskRowId: task.rowId, notify: true } : null;
}

function noSuchTask(taskId: string): AppError {
  return new AppError('invalid_request', `Task ${taskId} not found in the workflow or below it.`);
}
