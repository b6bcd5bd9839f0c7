// What schedules have fired, as a query asks for it, newest first. Whoever asks sees the firings of workflows that he may
// read, and no others are counted.
import { z } from 'zod';
import { SCHEDULE_STATES } from '../../../model/workflow-schedule.ts';
import type { ScheduleExecutionFilter } from '../../../store/port.ts';
import { textQuery } from '../../query.ts';
import { type HttpRequest, json, type Route } from '../../route.ts';
import { scheduleExecutionSchema, scheduleExecutionWire } from '../../wire/schedule-wire.ts';
import type { RouteDeps } from './deps.ts';
import { common, EVER, type Fields, narrowed, textsOf, within } from './search-conditions.ts';
import { orderOf, pageOf, readableNames } from './workflow-search.ts';

const PAGE_MAX = 1000;

const ANY: ScheduleExecutionFilter = {
  scheduleNames: null,
  workflowNames: null,
  workflowIds: null,
  states: SCHEDULE_STATES,
  scheduled: EVER,
  executed: EVER,
  text: null,
};

const FIELDS: Fields<ScheduleExecutionFilter> = {
  scheduleName: (filter, condition, wrong) => {
    filter.scheduleNames = common(filter.scheduleNames, textsOf(condition, wrong));
  },
  workflowName: (filter, condition, wrong) => {
    filter.workflowNames = common(filter.workflowNames, textsOf(condition, wrong));
  },
  workflowType: (filter, condition, wrong) => {
    filter.workflowNames = common(filter.workflowNames, textsOf(condition, wrong));
  },
  workflowId: (filter, condition, wrong) => {
    filter.workflowIds = common(filter.workflowIds, textsOf(condition, wrong));
  },
  state: (filter, condition, wrong) => {
    const wanted = textsOf(condition, wrong);
    const unknown = condition.values.find(({ value }) => !SCHEDULE_STATES.some((state) => state === value));
    if (unknown) throw wrong(unknown, `must be one of ${SCHEDULE_STATES.join(', ')}`);
    filter.states = common(filter.states, wanted);
  },
  scheduledTime: (filter, condition, wrong) => {
    filter.scheduled = within(filter.scheduled, condition, wrong);
  },
  executionTime: (filter, condition, wrong) => {
    filter.executed = within(filter.executed, condition, wrong);
  },
};

export function scheduleExecutionRoutes(deps: RouteDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/scheduler/search/executions',
      requires: 'authenticated',
      dialect: 'conductor',
      summary: 'Search what schedules have started, of workflows that the caller may read',
      queryParameters: {
        start: z.int().optional(),
        size: z.int().optional(),
        sort: z.string().optional(),
        freeText: z.string().optional(),
        query: z.string().optional(),
      },
      reply: {
        contentType: 'application/json',
        schema: z.object({ totalHits: z.int(), results: z.array(scheduleExecutionSchema) }),
      },
      async handle(request) {
        const { total, executions } = await find(deps, request);
        return json({ totalHits: total, results: executions.map(scheduleExecutionWire) });
      },
    },
  ];
}

async function find(deps: RouteDeps, request: HttpRequest) {
  const page = pageOf(request, PAGE_MAX);
  const order = orderOf(request, 'executionTime');
  const text = textQuery(request, 'freeText');
  const filter = narrowed(textQuery(request, 'query'), FIELDS, { ...ANY, text: text === '*' ? null : text });
  const scheduled = async () =>
    (await deps.reads.schedules()).map(({ schedule }) => schedule.startWorkflowRequest.name);
  const workflowNames = await readableNames(deps, request.principal, filter.workflowNames, scheduled);
  return deps.reads.searchScheduleExecutions({ ...filter, workflowNames }, order, page);
}
