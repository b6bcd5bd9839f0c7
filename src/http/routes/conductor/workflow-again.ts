// Ended executions that go on or begin again: retry, restart, rerun. What ended because of one goes on with it, so the
// caller must be allowed to manage that too. The orchestrator decides what is allowed when.
import { z } from 'zod';
import type { Access, Principal } from '../../../access/access.ts';
import { AppError } from '../../../model/error.ts';
import type { Run } from '../../../model/run.ts';
import { isRunTerminal } from '../../../model/run-status.ts';
import { jsonObject } from '../../../model/schema.ts';
import { check } from '../../body.ts';
import { permission } from '../../permission.ts';
import { flagQuery } from '../../query.ts';
import { type HttpRequest, NO_CONTENT, type Route, text } from '../../route.ts';
import type { RouteDeps } from './deps.ts';

const given = jsonObject().nullish();
const rerunSchema = z.object({
  reRunFromTaskId: z.string().nullish(),
  workflowInput: given,
  taskInput: given,
  correlationId: z.string().nullish(),
});

export function workflowAgainRoutes(deps: RouteDeps): Route[] {
  const requires = deps.permissions.run('manage', 'id');
  const latest = { useLatestDefinitions: z.boolean().optional() };
  return [
    {
      method: 'POST',
      path: '/api/workflow/:id/retry',
      requires,
      dialect: 'conductor',
      summary: 'Let an execution go on that ended without success: failed and cancelled tasks are attempted again',
      queryParameters: { resumeSubworkflowTasks: z.boolean().optional() },
      async handle(request) {
        await retryRun(deps, request, idOf(request), flagQuery(request, 'resumeSubworkflowTasks', false));
        return NO_CONTENT;
      },
    },
    {
      method: 'POST',
      path: '/api/workflow/:id/restart',
      requires,
      dialect: 'conductor',
      summary: 'Begin an ended execution again under its id, with its input',
      queryParameters: latest,
      async handle(request) {
        await restartRun(deps, request, idOf(request));
        return NO_CONTENT;
      },
    },
    {
      method: 'POST',
      path: '/api/workflow/:id/rerun',
      requires,
      dialect: 'conductor',
      summary: 'Begin an ended execution again from one of its tasks, or whole; what came before is kept',
      body: rerunSchema,
      reply: { contentType: 'text/plain' },
      handle: (request) => rerun(deps, request, idOf(request)),
    },
  ];
}

const idOf = ({ params }: HttpRequest) => params.id ?? '';

export async function retryRun(deps: RouteDeps, { principal }: HttpRequest, id: string, resumes: boolean) {
  await requireAncestors(deps, principal, id);
  await deps.orchestrator.retry(id, resumes);
}

export async function restartRun(deps: RouteDeps, request: HttpRequest, id: string): Promise<void> {
  await requireAncestors(deps, request.principal, id);
  await deps.orchestrator.restart(id, flagQuery(request, 'useLatestDefinitions', false));
}

async function rerun(deps: RouteDeps, request: HttpRequest, id: string) {
  const wanted = check(rerunSchema, (await request.json()) ?? {});
  const { reRunFromTaskId: taskId, workflowInput: input, taskInput } = wanted;
  await requireAncestors(deps, request.principal, id);
  await requireRerun(deps, request.principal, id, taskId ?? null, Boolean(input ?? taskInput));
  await deps.orchestrator.rerun(id, {
    taskId: taskId ?? null,
    taskInput: taskInput ?? null,
    input: input ?? null,
    correlationId: wanted.correlationId ?? null,
  });
  return text(id);
}

async function requireAncestors({ reads, access }: RouteDeps, principal: Principal, id: string): Promise<void> {
  for (let at = (await reads.run(id, false))?.run; at?.parent?.notify; ) {
    const parent: Run | undefined = (await reads.run(at.parent.runId, false))?.run;
    // What has not ended, or not for want of its child, goes on by itself or not at all.
    if (!parent || !isRunTerminal(parent.status) || parent.status === 'COMPLETED') break;
    requireOther(access, principal, parent, 'manage');
    at = parent;
  }
}

/** The runs down to the task's begin again too. Whoever gives them an input might as well start them. */
async function requireRerun(
  { reads, access }: RouteDeps,
  principal: Principal,
  id: string,
  taskId: string | null,
  isGiven: boolean,
): Promise<void> {
  const named = (await reads.run(id, false))?.run;
  const below: Run[] = [];
  for (let at = taskId === null ? named : (await reads.taskById(taskId))?.run; at; ) {
    if (at.id === id) {
      if (isGiven) access.require(principal, permission('workflow', at.name, 'execute'));
      for (const run of below) requireOther(access, principal, run, 'manage');
      if (isGiven) for (const run of below) requireOther(access, principal, run, 'execute');
      return;
    }
    below.push(at);
    at = at.parent?.notify ? (await reads.run(at.parent.runId, false))?.run : undefined;
  }
}

/** What is missing for an execution that the caller did not name is named only to those who may know of it. */
function requireOther(access: Access, principal: Principal, { name }: Run, action: 'manage' | 'execute'): void {
  const wanted = permission('workflow', name, action);
  if (access.allows(principal, wanted)) return;
  if (access.allows(principal, permission('workflow', name, 'read'))) access.require(principal, wanted);
  throw new AppError('forbidden', `Another execution goes on with this one, and you may not ${action} that one.`);
}
