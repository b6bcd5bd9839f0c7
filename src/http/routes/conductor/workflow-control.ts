// Control of executions: pause, resume, decide, terminate, retry, remove. The orchestrator decides what is allowed when.
import { z } from 'zod';
import type { Principal } from '../../../access/access.ts';
import { AppError } from '../../../model/error.ts';
import type { Run } from '../../../model/run.ts';
import { isRunTerminal } from '../../../model/run-status.ts';
import { permission } from '../../permission.ts';
import { flagQuery, textQuery } from '../../query.ts';
import { EMPTY, type HttpRequest, NO_CONTENT, type Requirement, type Route } from '../../route.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchRun } from './not-found.ts';

export function workflowControlRoutes(deps: RouteDeps): Route[] {
  const { orchestrator } = deps;
  const control = controlRoute(deps.permissions.run('manage', 'id'));
  const reason = { reason: z.string().optional() };
  const archive = { archiveWorkflow: z.boolean().optional() };
  return [
    control('PUT', '/api/workflow/:id/pause', 'Pause an execution', (id) => orchestrator.pause(id)),
    control('PUT', '/api/workflow/:id/resume', 'Resume a paused execution', (id) => orchestrator.resume(id)),
    control('PUT', '/api/workflow/decide/:id', 'Evaluate an execution now', (id) => orchestrator.decide(id)),
    control(
      'DELETE',
      '/api/workflow/:id',
      'Terminate an execution: nothing more is scheduled, its run key dies with it',
      (id, request) => orchestrator.terminate(id, textQuery(request, 'reason')),
      reason,
    ),
    control(
      'DELETE',
      '/api/workflow/:id/remove',
      'Delete a finished execution and everything of it but its audit',
      (id, request) => remove(deps, id, flagQuery(request, 'archiveWorkflow', true)),
      archive,
    ),
    control(
      'DELETE',
      '/api/workflow/:id/terminate-remove',
      'Terminate an execution, then delete it',
      (id, request) => terminateAndRemove(deps, id, textQuery(request, 'reason')),
      { ...reason, ...archive },
    ),
    retry(deps),
  ];
}

function retry(deps: RouteDeps): Route {
  return {
    method: 'POST',
    path: '/api/workflow/:id/retry',
    requires: deps.permissions.run('manage', 'id'),
    dialect: 'conductor',
    summary: 'Let an execution go on that ended without success: failed and cancelled tasks are attempted again',
    queryParameters: { resumeSubworkflowTasks: z.boolean().optional() },
    async handle(request) {
      await retryRun(
        deps,
        request.principal,
        request.params.id ?? '',
        flagQuery(request, 'resumeSubworkflowTasks', false),
      );
      return NO_CONTENT;
    },
  };
}

/** What ended because of it goes on with it: the caller must be allowed to manage that too. */
export async function retryRun(deps: RouteDeps, principal: Principal, id: string, resumes: boolean): Promise<void> {
  const { orchestrator, reads, access } = deps;
  for (let at = (await reads.run(id, false))?.run; at?.parent?.notify; ) {
    const parent: Run | undefined = (await reads.run(at.parent.runId, false))?.run;
    if (!parent || !isRunTerminal(parent.status)) break;
    access.require(principal, permission('workflow', parent.name, 'manage'));
    at = parent;
  }
  await orchestrator.retry(id, resumes);
}

/** Makes routes that act on the execution in `:id` and answer nothing. */
function controlRoute(requires: Requirement) {
  return (
    method: Route['method'],
    path: string,
    summary: string,
    act: (id: string, request: HttpRequest) => Promise<void>,
    queryParameters: Route['queryParameters'] = {},
  ): Route => ({
    method,
    path,
    requires,
    dialect: 'conductor',
    summary,
    queryParameters,
    async handle(request) {
      await act(request.params.id ?? '', request);
      return EMPTY;
    },
  });
}

async function remove({ orchestrator, reads }: RouteDeps, id: string, archives: boolean): Promise<void> {
  const loaded = await reads.run(id, false);
  if (!loaded) throw noSuchRun(id);
  const { status } = loaded.run;
  if (archives && !isRunTerminal(status)) {
    throw new AppError(
      'invalid_request',
      `Cannot archive workflow ${id}: it is ${status}. Terminate it first, or use terminate-remove.`,
    );
  }
  await orchestrator.remove(id);
}

async function terminateAndRemove(
  { orchestrator, reads }: RouteDeps,
  id: string,
  reason: string | null,
): Promise<void> {
  const loaded = await reads.run(id, false);
  if (!loaded) throw noSuchRun(id);
  // A finished execution has nothing to terminate; terminating a completed one would be a conflict.
  if (!isRunTerminal(loaded.run.status)) await orchestrator.terminate(id, reason);
  await orchestrator.remove(id);
}
