// Executions that a query finds, or that have a task which it finds, newest first. A summary holds no data of the
// execution; whoever wants that reads histories, which is noted.
import { z } from 'zod';
import type { RunHead } from '../../../model/run.ts';
import { type HttpRequest, jsonText, type Route } from '../../route.ts';
import { runSummarySchema, runSummaryText } from '../../wire/run-summary.ts';
import type { RouteDeps } from './deps.ts';
import { runFilter, taskFilter } from './search-filter.ts';
import { foundText, SUMMARIES_MAX, searchParameters, searchRequest, WHOLE_MAX } from './search-request.ts';

type Find = (request: HttpRequest, sizeMax: number) => Promise<{ total: number; runs: RunHead[] }>;

export function workflowSearchRoutes(deps: RouteDeps): Route[] {
  const { reads } = deps;
  const byRuns: Find = async (request, sizeMax) =>
    reads.searchRuns(...(await searchRequest(deps, request, sizeMax, runFilter)));
  const byTasks: Find = async (request, sizeMax) =>
    reads.searchRunsByTasks(...(await searchRequest(deps, request, sizeMax, taskFilter)));
  const having = 'executions that have a task which fits';
  return [
    searchSummaries('/api/workflow/search', 'executions', byRuns),
    searchWhole(deps, '/api/workflow/search-v2', 'executions', byRuns),
    searchSummaries('/api/workflow/search-by-tasks', having, byTasks),
    searchWhole(deps, '/api/workflow/search-by-tasks-v2', having, byTasks),
  ];
}

function searchSummaries(path: string, what: string, find: Find): Route {
  return {
    method: 'GET',
    path,
    requires: 'authenticated',
    dialect: 'conductor',
    summary: `Search ${what}, of workflows that the caller may read; summaries without data`,
    queryParameters: searchParameters,
    reply: {
      contentType: 'application/json',
      schema: z.object({ totalHits: z.int(), results: z.array(runSummarySchema) }),
    },
    async handle(request) {
      const { total, runs } = await find(request, SUMMARIES_MAX);
      return jsonText(foundText(total, runs.map(runSummaryText)));
    },
  };
}

function searchWhole({ reads, renderer, recordRead }: RouteDeps, path: string, what: string, find: Find): Route {
  return {
    method: 'GET',
    path,
    requires: 'authenticated',
    dialect: 'conductor',
    summary: `Search ${what}, of workflows that the caller may read; whole but for their tasks`,
    queryParameters: searchParameters,
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { total, runs } = await find(request, WHOLE_MAX);
      await Promise.all(runs.map(({ id }) => recordRead(request.principal.id, id, `GET ${path}`)));
      const texts: string[] = [];
      for (const { id } of runs) {
        const loaded = await reads.run(id, false);
        if (loaded) texts.push(await renderer.run(loaded));
      }
      return jsonText(foundText(total, texts));
    },
  };
}
