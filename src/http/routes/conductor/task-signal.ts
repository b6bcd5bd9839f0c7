// Signals: a result for whatever task an execution waits with, itself or in a child, without knowing which that is.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { REPORTABLE_STATUSES } from '../../../model/task-result.ts';
import type { BlockedRun } from '../../../orchestrator/orchestrator-api.ts';
import { oneOf, wholeQuery } from '../../query.ts';
import { EMPTY, type HttpRequest, type Route } from '../../route.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchRun } from './not-found.ts';
import { STRATEGY_QUERY, signalReply, strategyOf } from './signal-reply.ts';
import { outputOf } from './task-update.ts';

const TIMEOUT_MS_DEFAULT = 5000;
const TIMEOUT_MS_MAX = 600_000;

export function taskSignalRoutes(deps: RouteDeps): Route[] {
  const { orchestrator, permissions, access } = deps;
  const requires = permissions.taskUpdate(({ params }) => waitingTaskId(deps, params.id ?? ''));
  const mayRead = permissions.run('read', 'id');
  const body = z.record(z.string(), z.unknown());
  return [
    {
      method: 'POST',
      path: '/api/tasks/:id/:status/signal',
      requires,
      dialect: 'conductor',
      summary: 'Report the result of the task that an execution waits with; the body is its output',
      body,
      async handle(request) {
        await signal(deps, request);
        return EMPTY;
      },
    },
    {
      method: 'POST',
      path: '/api/tasks/:id/:status/signal/sync',
      requires,
      dialect: 'conductor',
      summary: 'The same; answers when the execution has ended or waits again',
      queryParameters: { ...STRATEGY_QUERY, timeoutMillis: z.int().min(0).max(TIMEOUT_MS_MAX).optional() },
      body,
      reply: { contentType: 'application/json' },
      async handle(request) {
        strategyOf(request);
        const waitMs = wholeQuery(request, 'timeoutMillis', TIMEOUT_MS_DEFAULT, { max: TIMEOUT_MS_MAX });
        // The answer is a history: who may report a result may not thereby read one.
        access.require(request.principal, await mayRead(request));
        await signal(deps, request);
        const runId = request.params.id ?? '';
        const awaited = await orchestrator.awaitRun({ runId, refs: [], waitMs, signal: request.signal });
        if (!awaited) throw noSuchRun(runId);
        return signalReply(deps, request, awaited, 'POST /api/tasks/:id/:status/signal/sync');
      },
    },
  ];
}

async function signal(deps: RouteDeps, request: HttpRequest): Promise<void> {
  const { id = '' } = request.params;
  const status = oneOf('status', request.params.status, REPORTABLE_STATUSES);
  const output = await outputOf(request);
  const { run, task } = await waitingTask(deps, id);
  // Somebody else may have been faster: then nothing waits any more.
  if ((await deps.orchestrator.updateByRef(run.id, task.ref, status, output, null)) === null) throw noneWaits(id);
}

/** For who may not signal every task: an execution where none waits is to them as one that is not there. */
async function waitingTaskId({ orchestrator }: RouteDeps, id: string): Promise<string> {
  const awaited = await orchestrator.awaitRun({ runId: id, refs: [], waitMs: 0 });
  if (!awaited?.blocked) throw noSuchRun(id);
  return awaited.blocked.task.id;
}

async function waitingTask({ orchestrator }: RouteDeps, id: string): Promise<BlockedRun> {
  const awaited = await orchestrator.awaitRun({ runId: id, refs: [], waitMs: 0 });
  if (!awaited) throw noSuchRun(id);
  if (!awaited.blocked) throw noneWaits(id);
  return awaited.blocked;
}

function noneWaits(id: string): AppError {
  return new AppError('not_found', `No task of workflow ${id} waits for a signal.`);
}
