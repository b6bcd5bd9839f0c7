// Changing what an execution goes by while it runs: its variables, alone or together with the result of one of its tasks.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { Json } from '../../../model/json.ts';
import { jsonObject, loose } from '../../../model/schema.ts';
import { REPORTABLE_STATUSES } from '../../../model/task-result.ts';
import { readBody } from '../../body.ts';
import { textQuery } from '../../query.ts';
import { type HttpRequest, jsonText, type Route } from '../../route.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchRun } from './not-found.ts';
import { signalReply } from './signal-reply.ts';
import { WAIT_QUERY, waitSecondsOf } from './workflow-execute.ts';

const stateSchema = z.object({
  taskReferenceName: loose(z.string()),
  taskResult: loose(
    z.object({
      status: z.enum(REPORTABLE_STATUSES).default('COMPLETED'),
      outputData: jsonObject(),
      workerId: loose(z.string()),
    }),
  ),
  variables: jsonObject(),
});

export function workflowStateRoutes(deps: RouteDeps): Route[] {
  const requires = deps.permissions.run('manage', 'id');
  return [
    {
      method: 'POST',
      path: '/api/workflow/:id/variables',
      requires,
      dialect: 'conductor',
      summary: 'Lay variables over those of an execution that goes on; answers the execution',
      body: jsonObject(),
      reply: { contentType: 'application/json' },
      async handle(request) {
        await requireRead(deps, request);
        const id = idOf(request);
        await deps.orchestrator.setVariables(id, await readBody(request, jsonObject()));
        const loaded = await deps.reads.run(id, true);
        if (!loaded) throw noSuchRun(id);
        await deps.recordRead(request.principal.id, id, 'POST /api/workflow/:id/variables');
        return jsonText(await deps.renderer.run(loaded));
      },
    },
    {
      method: 'POST',
      path: '/api/workflow/:id/state',
      requires,
      dialect: 'conductor',
      summary: 'Change variables and report the result of a task; answers when the execution has ended or waits',
      queryParameters: WAIT_QUERY,
      body: stateSchema,
      reply: { contentType: 'application/json' },
      handle: (request) => changeState(deps, request),
    },
  ];
}

const idOf = ({ params }: HttpRequest) => params.id ?? '';

/** The answer is a history. */
async function requireRead({ access, permissions }: RouteDeps, request: HttpRequest): Promise<void> {
  access.require(request.principal, await permissions.run('read', 'id')(request));
}

async function changeState(deps: RouteDeps, request: HttpRequest) {
  const { orchestrator } = deps;
  const runId = idOf(request);
  const { taskReferenceName: ref, taskResult, variables } = await readBody(request, stateSchema);
  const waitMs = waitSecondsOf(request) * 1000;
  await requireRead(deps, request);
  if (taskResult && ref === undefined) {
    throw new AppError('invalid_request', 'taskResult is of the task in taskReferenceName: send that too.');
  }
  if (taskResult) await requireUpdate(deps, request, ref ?? '');
  if (Object.keys(variables).length > 0) await orchestrator.setVariables(runId, variables);
  if (taskResult && ref !== undefined) {
    const { status, outputData, workerId = null } = taskResult;
    const updated = await orchestrator.updateByRef(runId, ref, status, Json.of(outputData), workerId);
    if (updated === null) throw noOpenTask(runId, ref);
  }
  const refs = textQuery(request, 'waitUntilTaskRef')?.split(',') ?? [];
  const awaited = await orchestrator.awaitRun({ runId, refs, waitMs, signal: request.signal });
  if (!awaited) throw noSuchRun(runId);
  return signalReply(deps, request, awaited, 'POST /api/workflow/:id/state');
}

/** Throws before anything is changed where no task of the reference is open. */
async function requireUpdate({ access, permissions, reads }: RouteDeps, request: HttpRequest, ref: string) {
  const loaded = await reads.run(idOf(request), true);
  const task = loaded?.tasks.findLast((one) => one.ref === ref || one.step === ref);
  if (!task || task.endedMs > 0) throw noOpenTask(idOf(request), ref);
  access.require(request.principal, await permissions.taskUpdate(() => task.id)(request));
}

function noOpenTask(id: string, ref: string): AppError {
  return new AppError('not_found', `Found no running task ${ref} of workflow ${id} to update`);
}
