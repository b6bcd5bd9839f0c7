// Starting an execution: which definition, under which idempotency rule, in one round.
import { AppError } from '../model/error.ts';
import { Json } from '../model/json.ts';
import { isRunTerminal } from '../model/run-status.ts';
import type { StartRequest } from '../model/start-request.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { StartedRun } from '../store/port.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { Core } from './core.ts';

/** Resolves with the public id after the first decision is committed. */
export function startRun(core: Core, request: StartRequest, agentGrants?: readonly string[]): Promise<string> {
  const { idempotencyKey } = request;
  const input = Json.of(request.input);
  let earlier: StartedRun | null = null;
  return core.loop.submit({
    chars: input.text.length,
    load: (round) => {
      const loading = core.load(round, []);
      if (idempotencyKey === undefined) return loading;
      const asked = core.startKeys.ask({ name: request.name, key: idempotencyKey }, round);
      return Promise.all([asked, loading]).then(([started]) => {
        earlier = started;
      });
    },
    decide: (batch, now) => decideStart(core, { request, input, agentGrants, earlier }, batch, now),
  });
}

export interface Start {
  readonly request: StartRequest;
  /** The request's. */
  readonly input: Json;
  readonly agentGrants: readonly string[] | undefined;
  /** The newest committed run with the request's idempotency key. */
  readonly earlier: StartedRun | null;
}

/** Within a round, once `Core.load` has resolved: the id of the run. Throws AppError before anything is changed. */
export function decideStart(core: Core, start: Start, batch: WriteBatch, now: number): string {
  const { request, input, agentGrants } = start;
  const { idempotencyKey } = request;
  const definition = definitionOf(core, request);
  if (idempotencyKey !== undefined) {
    const known = batchStart(core, request.name, idempotencyKey) ?? start.earlier;
    const answer = known && answerFor(request, known);
    if (answer) return answer;
  }
  const id = core.newId();
  core.advance.create(
    {
      id,
      rootId: id,
      definition,
      input,
      correlationId: request.correlationId ?? null,
      priority: request.priority,
      taskToDomain: request.taskToDomain,
      createdBy: request.createdBy ?? null,
      agentGrants,
      event: request.event,
      idempotencyKey: idempotencyKey ?? null,
      parent: null,
    },
    batch,
    now,
  );
  return id;
}

function definitionOf(core: Core, request: StartRequest): WorkflowDefinition {
  if (request.workflowDef) return request.workflowDef;
  const definition = core.definitions.get(request.name, request.version ?? null);
  if (definition) return definition;
  const version = request.version === undefined ? '' : `, version=${request.version}`;
  throw new AppError('not_found', `No such workflow defined. name=${request.name}${version}`);
}

/** A run that an earlier operation of the same round started with this key: not yet in the store. */
function batchStart(core: Core, name: string, key: string): StartedRun | null {
  const run = core.advance.startedInRound((one) => one.name === name && one.idempotencyKey === key);
  return run ? { id: run.id, status: run.status } : null;
}

/** The earlier run's id, or null when a new one may start. Throws conflict. */
function answerFor(request: StartRequest, known: StartedRun): string | null {
  const strategy = request.idempotencyStrategy ?? 'FAIL';
  if (strategy === 'RETURN_EXISTING') return known.id;
  if (strategy === 'FAIL_ON_RUNNING' && isRunTerminal(known.status)) return null;
  throw new AppError(
    'conflict',
    `Workflow ${request.name} was already started with idempotency key ${request.idempotencyKey}: ${known.id}`,
  );
}
