// Schedules as they are read: one, all, those that a search finds, and the instants of a cron. Who may not read a workflow's
// executions is told of no schedule that starts it.
import { z } from 'zod';
import type { Principal } from '../../../access/access.ts';
import { type ScheduleRecord, scheduleTimesSchema } from '../../../model/workflow-schedule.ts';
import { noSuchSchedule } from '../../../orchestrator/schedules/schedule-commands.ts';
import { check, validationError } from '../../body.ts';
import { permission } from '../../permission.ts';
import { flagQuery, textQuery, wholeQuery } from '../../query.ts';
import { type HttpRequest, json, type Route } from '../../route.ts';
import { scheduleReplySchema, scheduleWire } from '../../wire/schedule-wire.ts';
import type { RouteDeps } from './deps.ts';
import { pageOf, SUMMARIES_MAX } from './search-request.ts';

const PATH = '/api/scheduler/schedules';
const NEXT_MAX = 100;

export function scheduleReadRoutes(deps: RouteDeps): Route[] {
  return [...reading(deps), search(deps), next(deps)];
}

function reading(deps: RouteDeps): Route[] {
  return [
    {
      method: 'GET',
      path: PATH,
      requires: 'authenticated',
      dialect: 'conductor',
      summary: 'List the schedules of workflows that the caller may read; all, or those of one workflow',
      queryParameters: { workflowName: z.string().optional() },
      reply: { contentType: 'application/json', schema: z.array(scheduleReplySchema) },
      async handle(request) {
        const name = textQuery(request, 'workflowName');
        const all = await readable(deps, request.principal);
        return json(all.filter((one) => name === null || workflowOf(one) === name).map(scheduleWire));
      },
    },
    {
      method: 'GET',
      path: `${PATH}/:name`,
      requires: 'authenticated',
      dialect: 'conductor',
      summary: 'Read a schedule',
      reply: { contentType: 'application/json', schema: scheduleReplySchema },
      async handle({ params: { name = '' }, principal }) {
        const record = await deps.reads.schedule(name);
        if (!record || !mayRead(deps, principal, record)) throw noSuchSchedule(name);
        return json(scheduleWire(record));
      },
    },
  ];
}

function search(deps: RouteDeps): Route {
  return {
    method: 'GET',
    path: `${PATH}/search`,
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Search schedules of workflows that the caller may read',
    queryParameters: {
      start: z.int().optional(),
      size: z.int().optional(),
      sort: z.string().optional(),
      freeText: z.string().optional(),
      workflowName: z.string().optional(),
      name: z.string().optional(),
      paused: z.boolean().optional(),
    },
    reply: {
      contentType: 'application/json',
      schema: z.object({ totalHits: z.int(), results: z.array(scheduleReplySchema) }),
    },
    async handle(request) {
      const { start, count } = pageOf(request, SUMMARIES_MAX, 'workflowName');
      const isReversed = sortsDown(request);
      const fits = filterOf(request);
      const found = (await readable(deps, request.principal)).filter(fits);
      const ordered = isReversed ? found.toReversed() : found;
      return json({ totalHits: found.length, results: ordered.slice(start, start + count).map(scheduleWire) });
    },
  };
}

function filterOf(request: HttpRequest): (record: ScheduleRecord) => boolean {
  const workflowName = textQuery(request, 'workflowName');
  const name = textQuery(request, 'name');
  const text = textQuery(request, 'freeText');
  const paused = textQuery(request, 'paused') === null ? null : flagQuery(request, 'paused', false);
  return (record) =>
    (workflowName === null || workflowOf(record) === workflowName) &&
    (name === null || record.schedule.name === name) &&
    (paused === null || record.schedule.paused === paused) &&
    (text === null || text === '*' || `${record.schedule.name}\n${workflowOf(record)}`.includes(text));
}

/** By name is all there is. Throws AppError invalid_request. */
function sortsDown(request: HttpRequest): boolean {
  const sort = textQuery(request, 'sort') ?? 'name';
  if (!/^name(:(ASC|DESC))?$/i.test(sort)) {
    throw validationError([
      { path: 'sort', message: 'must be name:ASC or name:DESC', invalidValue: sort.slice(0, 200) },
    ]);
  }
  return /:DESC$/i.test(sort);
}

function next({ orchestrator }: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/scheduler/nextFewSchedules',
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'The next instants of a cron expression, in epoch milliseconds',
    queryParameters: {
      cronExpression: z.string(),
      zoneId: z.string().optional(),
      scheduleStartTime: z.int().optional(),
      scheduleEndTime: z.int().optional(),
      limit: z.int().optional(),
    },
    reply: { contentType: 'application/json', schema: z.array(z.int()) },
    handle(request) {
      const limit = wholeQuery(request, 'limit', 5, { min: 1, max: NEXT_MAX });
      const times = check(scheduleTimesSchema, {
        cronExpression: textQuery(request, 'cronExpression'),
        zoneId: textQuery(request, 'zoneId'),
        scheduleStartTime: wholeQuery(request, 'scheduleStartTime', null),
        scheduleEndTime: wholeQuery(request, 'scheduleEndTime', null),
      });
      return json(orchestrator.schedules.next(times, limit));
    },
  };
}

async function readable(deps: RouteDeps, principal: Principal): Promise<ScheduleRecord[]> {
  return (await deps.reads.schedules()).filter((record) => mayRead(deps, principal, record));
}

function mayRead({ access }: RouteDeps, principal: Principal, record: ScheduleRecord): boolean {
  return access.allows(principal, permission('workflow', workflowOf(record), 'read'));
}

function workflowOf({ schedule }: ScheduleRecord): string {
  return schedule.startWorkflowRequest.name;
}
