// What schedules have fired, as a query asks for it, newest first. Whoever asks sees the firings of workflows that he may
// read, and no others are counted.
import { z } from 'zod';
import { json, type Route } from '../../route.ts';
import { scheduleExecutionSchema, scheduleExecutionWire } from '../../wire/schedule-wire.ts';
import type { RouteDeps } from './deps.ts';
import { firingFilter } from './search-filter.ts';
import { SUMMARIES_MAX, searchParameters, searchRequest } from './search-request.ts';

export function scheduleExecutionRoutes(deps: RouteDeps): Route[] {
  const { reads } = deps;
  const names = async () => (await reads.schedules()).map(({ schedule }) => schedule.startWorkflowRequest.name);
  return [
    {
      method: 'GET',
      path: '/api/scheduler/search/executions',
      requires: 'authenticated',
      dialect: 'conductor',
      summary: 'Search what schedules have started, of workflows that the caller may read',
      queryParameters: searchParameters,
      reply: {
        contentType: 'application/json',
        schema: z.object({ totalHits: z.int(), results: z.array(scheduleExecutionSchema) }),
      },
      async handle(request) {
        const asked = await searchRequest(deps, request, SUMMARIES_MAX, firingFilter, { sort: 'executionTime', names });
        const { total, executions } = await reads.searchScheduleExecutions(...asked);
        return json({ totalHits: total, results: executions.map(scheduleExecutionWire) });
      },
    },
  ];
}
