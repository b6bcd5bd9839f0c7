// Histories: an execution with its tasks, its status, its tasks page by page, executions by correlation id, running
// ones. Every reading of a history is itself recorded before it is answered.
import { z } from 'zod';
import type { Run } from '../../../model/run.ts';
import { TASK_STATUSES } from '../../../model/task-status.ts';
import { readBody } from '../../body.ts';
import { permission } from '../../permission.ts';
import { flagQuery, oneOf, wholeQuery } from '../../query.ts';
import { type HttpRequest, json, jsonText, type Route } from '../../route.ts';
import { runStatusText } from '../../wire/run-text.ts';
import { quote } from '../../wire/task-text.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchRun } from './not-found.ts';

const TASKS_PAGE_MAX = 10_000;
const CORRELATIONS_MAX = 1000;
const NAMES_MAX = 50;

const batchSchema = z.object({
  workflowNames: z.array(z.string()).min(1).max(NAMES_MAX),
  correlationIds: z.array(z.string()).min(1).max(CORRELATIONS_MAX),
});

const readByName = ({ params }: HttpRequest) => permission('workflow', params.name ?? '', 'read');

export function workflowReadRoutes(deps: RouteDeps): Route[] {
  return [readRun(deps), readStatus(deps), readTasks(deps), ...byCorrelation(deps), running(deps)];
}

function readRun({ permissions, reads, renderer, recordRead }: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/workflow/:id',
    requires: permissions.run('read', 'id'),
    dialect: 'conductor',
    summary: 'Read an execution',
    queryParameters: { includeTasks: z.boolean().optional() },
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { id = '' } = request.params;
      const loaded = await reads.run(id, flagQuery(request, 'includeTasks', true));
      if (!loaded) throw noSuchRun(id);
      await recordRead(request.principal.id, id, 'GET /api/workflow/:id');
      return jsonText(await renderer.run(loaded));
    },
  };
}

function readStatus({ permissions, reads, recordRead }: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/workflow/:id/status',
    requires: permissions.run('read', 'id'),
    dialect: 'conductor',
    summary: 'Read the status of an execution',
    queryParameters: { includeOutput: z.boolean().optional(), includeVariables: z.boolean().optional() },
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { id = '' } = request.params;
      const includeOutput = flagQuery(request, 'includeOutput', false);
      const includeVariables = flagQuery(request, 'includeVariables', false);
      const loaded = await reads.run(id, false);
      if (!loaded) throw noSuchRun(id);
      // A bare status is no history; with data in it, it is.
      if (includeOutput || includeVariables) {
        await recordRead(request.principal.id, id, 'GET /api/workflow/:id/status');
      }
      return jsonText(runStatusText(loaded.run, includeOutput, includeVariables));
    },
  };
}

function readTasks({ permissions, reads, renderer, recordRead }: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/workflow/:id/tasks',
    requires: permissions.run('read', 'id'),
    dialect: 'conductor',
    summary: 'Read a page of the tasks of an execution',
    queryParameters: { start: z.int().optional(), count: z.int().optional(), status: z.array(z.string()).optional() },
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { id = '' } = request.params;
      const page = {
        start: wholeQuery(request, 'start', 0),
        count: wholeQuery(request, 'count', 15, { max: TASKS_PAGE_MAX }),
      };
      const statuses = request.query.getAll('status').map((status) => oneOf('status', status, TASK_STATUSES));
      const loaded = await reads.run(id, false);
      if (!loaded) throw noSuchRun(id);
      await recordRead(request.principal.id, id, 'GET /api/workflow/:id/tasks');
      const { total, tasks } = await reads.tasksOf(loaded.run.rowId, page, statuses);
      const texts = await renderer.tasks(tasks, loaded.run);
      return jsonText(`{"totalHits":${total},"results":[${texts.join(',')}]}`);
    },
  };
}

function byCorrelation(deps: RouteDeps): Route[] {
  const options = { includeClosed: z.boolean().optional(), includeTasks: z.boolean().optional() };

  return [
    {
      method: 'GET',
      path: '/api/workflow/:name/correlated/:correlationId',
      requires: readByName,
      dialect: 'conductor',
      summary: 'List executions of a workflow with a correlation id',
      queryParameters: options,
      reply: { contentType: 'application/json' },
      async handle(request) {
        const { name = '', correlationId = '' } = request.params;
        const route = 'GET /api/workflow/:name/correlated/:correlationId';
        const found = await findCorrelated(deps, request, [name], [correlationId], route);
        return jsonText(`[${found.map(({ text }) => text).join(',')}]`);
      },
    },
    {
      method: 'POST',
      path: '/api/workflow/:name/correlated',
      requires: readByName,
      dialect: 'conductor',
      summary: 'List executions of a workflow by correlation id, for several ids',
      queryParameters: options,
      body: z.array(z.string()),
      reply: { contentType: 'application/json' },
      async handle(request) {
        const ids = await readBody(request, z.array(z.string()).max(CORRELATIONS_MAX));
        const { name = '' } = request.params;
        return grouped(ids, await findCorrelated(deps, request, [name], ids, 'POST /api/workflow/:name/correlated'));
      },
    },
    {
      method: 'POST',
      path: '/api/workflow/correlated/batch',
      requires: async (request) => {
        const [first = '', ...others] = (await readBody(request, batchSchema)).workflowNames.map((name) =>
          permission('workflow', name, 'read'),
        );
        for (const other of others) deps.access.require(request.principal, other);
        return first;
      },
      dialect: 'conductor',
      summary: 'List executions of several workflows by correlation id',
      queryParameters: options,
      body: batchSchema,
      reply: { contentType: 'application/json' },
      async handle(request) {
        const { workflowNames, correlationIds } = await readBody(request, batchSchema);
        const route = 'POST /api/workflow/correlated/batch';
        return grouped(correlationIds, await findCorrelated(deps, request, workflowNames, correlationIds, route));
      },
    },
  ];
}

interface Rendered {
  readonly run: Run;
  readonly text: string;
}

function grouped(ids: readonly string[], found: readonly Rendered[]) {
  const groups = new Map(ids.map((id) => [id, Array.of<string>()]));
  for (const { run, text } of found) groups.get(run.correlationId ?? '')?.push(text);
  return jsonText(`{${[...groups].map(([id, texts]) => `${quote(id)}:[${texts.join(',')}]`).join(',')}}`);
}

async function findCorrelated(
  { reads, renderer, recordRead }: RouteDeps,
  request: HttpRequest,
  names: readonly string[],
  correlationIds: readonly string[],
  route: string,
): Promise<Rendered[]> {
  const includeTasks = flagQuery(request, 'includeTasks', false);
  const includeClosed = flagQuery(request, 'includeClosed', false);
  const ids = [...new Set(correlationIds)];
  const found = await Promise.all([...new Set(names)].map((name) => reads.correlated(name, ids, includeClosed)));
  const runs = found.flat();
  await Promise.all(runs.map((run) => recordRead(request.principal.id, run.id, route)));
  const texts: Rendered[] = [];
  for (const run of runs) {
    const loaded = includeTasks ? await reads.run(run.id, true) : null;
    texts.push({ run, text: await renderer.run(loaded ?? { run, tasks: [] }) });
  }
  return texts;
}

function running({ reads }: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/workflow/running/:name',
    requires: readByName,
    dialect: 'conductor',
    summary: 'List the ids of running executions of a workflow',
    queryParameters: { version: z.int().optional(), startTime: z.int().optional(), endTime: z.int().optional() },
    reply: { contentType: 'application/json', schema: z.array(z.string()) },
    async handle(request) {
      const { name = '' } = request.params;
      const version = wholeQuery(request, 'version', 1);
      const fromMs = wholeQuery(request, 'startTime', 0);
      const toMs = wholeQuery(request, 'endTime', Number.MAX_SAFE_INTEGER);
      return json(await reads.runningIds(name, version, fromMs, toMs));
    },
  };
}
