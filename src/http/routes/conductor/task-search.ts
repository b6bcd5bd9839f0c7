// Tasks that a query finds, newest first. A summary holds no data of the task; whoever wants that reads histories, which is
// noted.
import { z } from 'zod';
import { jsonText, type Route } from '../../route.ts';
import { taskSummarySchema, taskSummaryText } from '../../wire/task-summary.ts';
import type { RouteDeps } from './deps.ts';
import { taskFilter } from './search-filter.ts';
import { foundText, SUMMARIES_MAX, searchParameters, searchRequest, WHOLE_MAX } from './search-request.ts';

export function taskSearchRoutes(deps: RouteDeps): Route[] {
  return [searchSummaries(deps), searchWhole(deps)];
}

function searchSummaries(deps: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/tasks/search',
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Search tasks, of workflows that the caller may read; summaries without data',
    queryParameters: searchParameters,
    reply: {
      contentType: 'application/json',
      schema: z.object({ totalHits: z.int(), results: z.array(taskSummarySchema) }),
    },
    async handle(request) {
      const asked = await searchRequest(deps, request, SUMMARIES_MAX, taskFilter);
      const { total, tasks } = await deps.reads.searchTasks(...asked);
      return jsonText(foundText(total, tasks.map(taskSummaryText)));
    },
  };
}

function searchWhole(deps: RouteDeps): Route {
  const path = '/api/tasks/search-v2';
  return {
    method: 'GET',
    path,
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Search tasks, of workflows that the caller may read; whole',
    queryParameters: searchParameters,
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { reads, renderer, recordRead } = deps;
      const asked = await searchRequest(deps, request, WHOLE_MAX, taskFilter);
      const { total, tasks } = await reads.searchTasks(...asked);
      const runIds = new Set(tasks.map(({ run }) => run.id));
      await Promise.all([...runIds].map((id) => recordRead(request.principal.id, id, `GET ${path}`)));
      const texts: string[] = [];
      for (const { task: head } of tasks) {
        const found = await reads.taskById(head.id);
        if (found) texts.push(await renderer.task(found.task, found.run));
      }
      return jsonText(foundText(total, texts));
    },
  };
}
