// Schedules, many at once: those that are named, each allowed and reported by itself, or all of them, which takes the right
// to start every workflow.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import type { ScheduleCaller } from '../../../orchestrator/schedules/schedule-commands.ts';
import { readBody } from '../../body.ts';
import { permission } from '../../permission.ts';
import { json, type Route } from '../../route.ts';
import { METADATA_WRITE } from './definition-rights.ts';
import type { RouteDeps } from './deps.ts';
import { callerOf } from './schedules.ts';
import { bulkReply, bulkResponseSchema, idsSchema } from './workflow-bulk.ts';

const ANY_EXECUTE = permission('workflow', '*', 'execute');
/** SDKs read an object. */
const doneSchema = z.object({ status: z.literal('done') });
const DONE: z.infer<typeof doneSchema> = { status: 'done' };

export function scheduleAdminRoutes(deps: RouteDeps): Route[] {
  const { schedules } = deps.orchestrator;
  const pause = (name: string, caller: ScheduleCaller) => schedules.pause(name, null, caller);
  const resume = (name: string, caller: ScheduleCaller) => schedules.resume(name, caller);
  return [
    all(deps, 'pause', 'Pause all schedules', (caller) => eachOf(deps, false, (name) => pause(name, caller))),
    all(deps, 'resume', 'Resume all schedules', (caller) => eachOf(deps, true, (name) => resume(name, caller))),
    all(deps, 'requeue', 'Read anew when each schedule comes due', () => schedules.requeue()),
    bulk(deps, 'pause', 'Pause schedules; the body is a list of names', pause),
    bulk(deps, 'resume', 'Resume paused schedules; the body is a list of names', resume),
  ];
}

function all(deps: RouteDeps, action: string, summary: string, act: (caller: ScheduleCaller) => Promise<void>): Route {
  return {
    method: 'GET',
    changes: true,
    path: `/api/scheduler/admin/${action}`,
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary,
    reply: { contentType: 'application/json', schema: doneSchema },
    async handle(request) {
      deps.access.require(request.principal, ANY_EXECUTE);
      await act(callerOf(deps, request));
      return json(DONE);
    },
  };
}

/** Of those that are paused, or not: who paused one before, and why, stays. What is removed meanwhile is passed over. */
async function eachOf({ reads }: RouteDeps, paused: boolean, act: (name: string) => Promise<void>): Promise<void> {
  const records = (await reads.schedules()).filter(({ schedule }) => schedule.paused === paused);
  await Promise.all(
    records.map(({ schedule }) =>
      act(schedule.name).catch((error: unknown) => {
        if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
      }),
    ),
  );
}

function bulk(
  deps: RouteDeps,
  action: string,
  summary: string,
  act: (name: string, caller: ScheduleCaller) => Promise<void>,
): Route {
  return {
    method: 'PUT',
    path: `/api/scheduler/bulk/${action}`,
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary,
    body: idsSchema,
    reply: { contentType: 'application/json', schema: bulkResponseSchema },
    async handle(request) {
      const caller = callerOf(deps, request);
      return bulkReply(await readBody(request, idsSchema), (name) => act(name, caller));
    },
  };
}
