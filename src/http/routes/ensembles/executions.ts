// Executions by their id: state, result, cancelling. For who started one, or may read its kind; to everybody else it
// does not exist. Looking at a result is itself recorded before it is answered.
import { AppError } from '../../../model/error.ts';
import { splitOutput } from '../../../model/raw-value.ts';
import type { Run } from '../../../model/run.ts';
import { isRunTerminal, type RunStatus } from '../../../model/run-status.ts';
import { permission } from '../../permission.ts';
import { type HttpRequest, json, type Reply, type Route } from '../../route.ts';
import { noSuchExecution } from './catalog.ts';
import type { EnsembleDeps } from './deps.ts';
import { entrance } from './may-execute.ts';

const STATES: Record<RunStatus, string> = {
  RUNNING: 'running',
  PAUSED: 'paused',
  COMPLETED: 'completed',
  FAILED: 'failed',
  TIMED_OUT: 'timed_out',
  TERMINATED: 'cancelled',
};

export function executionRoutes(deps: EnsembleDeps): Route[] {
  const base = {
    requires: { guard: entrance(deps) },
    dialect: 'ensemble',
    reply: { contentType: 'application/json' },
  } as const;
  const path = '/api/v1/executions/:id';
  return [
    {
      ...base,
      method: 'GET',
      path,
      summary: 'Read an execution of an ensemble or agent',
      handle: (request) => read(deps, request),
    },
    {
      ...base,
      method: 'GET',
      path: `${path}/status`,
      summary: 'Read the state of an execution',
      handle: async (request) => json(stateOf(await visibleRun(deps, request, 'read'))),
    },
    {
      ...base,
      method: 'GET',
      path: `${path}/result`,
      summary: 'Read the result of an ended execution',
      handle: (request) => result(deps, request),
    },
    {
      ...base,
      method: 'POST',
      path: `${path}/cancel`,
      summary: 'Cancel an execution',
      handle: (request) => cancel(deps, request),
    },
  ];
}

async function read(deps: EnsembleDeps, request: HttpRequest): Promise<Reply> {
  const run = await visibleRun(deps, request, 'read');
  await deps.recordRead(request.principal.id, run.id, 'GET /api/v1/executions/:id');
  return json({ ...stateOf(run), ...(isRunTerminal(run.status) ? outcomeOf(run) : {}) });
}

async function result(deps: EnsembleDeps, request: HttpRequest): Promise<Reply> {
  const run = await visibleRun(deps, request, 'read');
  if (!isRunTerminal(run.status)) {
    throw new AppError('conflict', `The execution is ${STATES[run.status]}: it has no result yet.`);
  }
  await deps.recordRead(request.principal.id, run.id, 'GET /api/v1/executions/:id/result');
  return json({ ...stateOf(run), success: run.status === 'COMPLETED', ...outcomeOf(run) });
}

async function cancel(deps: EnsembleDeps, request: HttpRequest): Promise<Reply> {
  const run = await visibleRun(deps, request, 'manage');
  if (isRunTerminal(run.status)) throw new AppError('conflict', `The execution is ${STATES[run.status]} already.`);
  await deps.orchestrator.terminate(run.id, 'Cancelled over the API');
  return json({ success: true, executionId: run.id, status: STATES.TERMINATED });
}

/** Throws AppError not_found, the same for an execution that is not there and for one that is not the caller's. */
async function visibleRun(
  { access, reads }: EnsembleDeps,
  { params, principal }: HttpRequest,
  action: 'read' | 'manage',
): Promise<Run> {
  const { id = '' } = params;
  const loaded = await reads.run(id, false);
  if (!loaded) throw noSuchExecution(id);
  const { run } = loaded;
  // Nobody in particular may ask for what nobody in particular started, whatever else anonymous callers may do.
  const may =
    principal.id !== 'anonymous' &&
    ['workflow', 'ensemble'].some((resource) => access.allows(principal, permission(resource, run.name, action)));
  if (run.createdBy !== principal.id && !may) throw noSuchExecution(id);
  return run;
}

function stateOf({ id, name, status, createdMs, endedMs }: Run) {
  return {
    success: true,
    executionId: id,
    name,
    status: STATES[status],
    startedAt: createdMs,
    ...(endedMs > 0 ? { completedAt: endedMs, duration: endedMs - createdMs } : {}),
  };
}

function outcomeOf({ output, reason, status }: Run) {
  if (status === 'COMPLETED') return { output: splitOutput(output.object).body };
  return {
    error: 'ExecutionError',
    code: 'execution_failed',
    message: reason ?? `The execution is ${STATES[status]}.`,
  };
}
