// Control of executions: pause, resume, decide, skip a task, terminate, remove. The orchestrator decides what is allowed when.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { Json } from '../../../model/json.ts';
import { isRunTerminal } from '../../../model/run-status.ts';
import { jsonObject } from '../../../model/schema.ts';
import { check } from '../../body.ts';
import { flagQuery, textQuery } from '../../query.ts';
import { EMPTY, type HttpRequest, NO_CONTENT, type Requirement, type Route } from '../../route.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchRun } from './not-found.ts';

const skipSchema = z.object({ taskInput: jsonObject().nullish(), taskOutput: jsonObject().nullish() });

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
      (id, request) => terminate(deps, id, request),
      TERMINATE_QUERY,
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
    resetCallbacks(deps),
    skipTask(deps),
  ];
}

export const TERMINATE_QUERY = { reason: z.string().optional(), triggerFailureWorkflow: z.boolean().optional() };

export function terminate({ orchestrator }: RouteDeps, id: string, request: HttpRequest): Promise<void> {
  return orchestrator.terminate(id, textQuery(request, 'reason'), flagQuery(request, 'triggerFailureWorkflow', false));
}

function resetCallbacks({ orchestrator, permissions }: RouteDeps): Route {
  return {
    method: 'POST',
    path: '/api/workflow/:id/resetcallbacks',
    requires: permissions.run('manage', 'id'),
    dialect: 'conductor',
    summary: 'Hand out at once what workers asked to have back later (callbackAfterSeconds)',
    async handle({ params }) {
      await orchestrator.resetCallbacks(params.id ?? '');
      return NO_CONTENT;
    },
  };
}

function skipTask({ orchestrator, permissions }: RouteDeps): Route {
  return {
    method: 'PUT',
    path: '/api/workflow/:id/skiptask/:ref',
    requires: permissions.run('manage', 'id'),
    dialect: 'conductor',
    summary: 'Make a task over before its turn has come; in a loop the reference says in which iteration (ref__2)',
    body: skipSchema,
    async handle(request) {
      const { taskInput, taskOutput } = check(skipSchema, (await request.json()) ?? {});
      const { id = '', ref = '' } = request.params;
      await orchestrator.skip(id, ref, Json.of(taskInput ?? {}), Json.of(taskOutput ?? {}));
      return EMPTY;
    },
  };
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

export async function remove({ orchestrator, reads }: RouteDeps, id: string, archives: boolean): Promise<void> {
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

export async function terminateAndRemove(
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
