// Schedules: save, pause, resume, remove. Who does so must be allowed to register definitions, and to start the workflow that
// the schedule starts.
import { z } from 'zod';
import { workflowScheduleSchema } from '../../../model/workflow-schedule.ts';
import type { ScheduleCaller } from '../../../orchestrator/schedules/schedule-commands.ts';
import { readBody } from '../../body.ts';
import { permission } from '../../permission.ts';
import { textQuery } from '../../query.ts';
import { EMPTY, type HttpRequest, json, type Route, type RouteMethod } from '../../route.ts';
import { scheduleReplySchema, scheduleWire } from '../../wire/schedule-wire.ts';
import { METADATA_WRITE, requireStarter } from './definition-rights.ts';
import type { RouteDeps } from './deps.ts';

const PATH = '/api/scheduler/schedules';

export function scheduleRoutes(deps: RouteDeps): Route[] {
  return [save(deps), remove(deps), ...pausing(deps)];
}

export function callerOf({ access, agentGrants }: RouteDeps, { principal }: HttpRequest): ScheduleCaller {
  return {
    id: principal.id,
    agentGrants: agentGrants?.(principal),
    allow: (name) => access.require(principal, permission('workflow', name, 'execute')),
  };
}

function save(deps: RouteDeps): Route {
  return {
    method: 'POST',
    path: PATH,
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary: 'Create or replace a schedule',
    body: workflowScheduleSchema,
    reply: { contentType: 'application/json', schema: scheduleReplySchema },
    async handle(request) {
      const schedule = await readBody(request, workflowScheduleSchema);
      const caller = callerOf(deps, request);
      caller.allow(schedule.startWorkflowRequest.name);
      requireStarter(deps.access, request.principal, schedule.startWorkflowRequest);
      return json(scheduleWire(await deps.orchestrator.schedules.save(schedule, caller)));
    },
  };
}

function remove(deps: RouteDeps): Route {
  return {
    method: 'DELETE',
    path: `${PATH}/:name`,
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary: 'Remove a schedule; what it has started goes on',
    async handle(request) {
      await deps.orchestrator.schedules.remove(request.params.name ?? '', callerOf(deps, request));
      return EMPTY;
    },
  };
}

/** By PUT, and by GET, as generations of clients have it. */
function pausing(deps: RouteDeps): Route[] {
  const { schedules } = deps.orchestrator;
  const route = (
    method: RouteMethod,
    action: string,
    summary: string,
    act: (request: HttpRequest) => Promise<void>,
  ) => ({
    method,
    path: `${PATH}/:name/${action}`,
    requires: METADATA_WRITE,
    dialect: 'conductor' as const,
    summary,
    ...(method === 'GET' ? { changes: true as const } : {}),
    ...(action === 'pause' ? { queryParameters: { reason: z.string().optional() } } : {}),
    handle: (request: HttpRequest) => act(request).then(() => EMPTY),
  });
  const pause = (request: HttpRequest) =>
    schedules.pause(request.params.name ?? '', textQuery(request, 'reason'), callerOf(deps, request));
  const resume = (request: HttpRequest) => schedules.resume(request.params.name ?? '', callerOf(deps, request));
  return (['PUT', 'GET'] as const).flatMap((method) => [
    route(method, 'pause', 'Pause a schedule: what comes due meanwhile is not made up for', pause),
    route(method, 'resume', 'Resume a paused schedule', resume),
  ]);
}
