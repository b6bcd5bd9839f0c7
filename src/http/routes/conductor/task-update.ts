// Reports of workers: by task id (with or without the next task in the answer), by reference name, and the ack of
// old clients, which does nothing because the poll itself acknowledges.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { EMPTY_OBJECT, isJsonObject, Json } from '../../../model/json.ts';
import { jsonObject } from '../../../model/schema.ts';
import { REPORTABLE_STATUSES, taskResultSchema } from '../../../model/task-result.ts';
import { check, readBody } from '../../body.ts';
import { oneOf, workerQuery } from '../../query.ts';
import { type HttpRequest, json, jsonText, NO_CONTENT, type Route, text } from '../../route.ts';
import { handedTaskText } from '../../wire/task-text.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchRun } from './not-found.ts';

export function taskUpdateRoutes(deps: RouteDeps): Route[] {
  return [...byId(deps), byReference(deps), byReferenceSync(deps), ack('POST'), ack('PUT')];
}

function byId({ orchestrator, permissions }: RouteDeps): Route[] {
  const requires = permissions.taskUpdate(async (request) => taskIdOf(await request.json()));
  return [
    {
      method: 'POST',
      path: '/api/tasks',
      requires,
      dialect: 'conductor',
      summary: 'Report the result of a task, or extend its lease',
      body: taskResultSchema,
      reply: { contentType: 'text/plain' },
      async handle(request) {
        const { taskId } = await orchestrator.update(await readBody(request, taskResultSchema), false);
        return text(taskId);
      },
    },
    {
      method: 'POST',
      path: '/api/tasks/update-v2',
      requires,
      dialect: 'conductor',
      summary: 'Report the result of a task and take the next of its type; 204 when there is none',
      body: taskResultSchema,
      reply: { contentType: 'application/json' },
      async handle(request) {
        const { next } = await orchestrator.update(await readBody(request, taskResultSchema), true);
        return next ? jsonText(handedTaskText(next)) : NO_CONTENT;
      },
    },
  ];
}

/** As little of the body as asking for permission takes: its handler checks the whole. */
function taskIdOf(body: unknown): string {
  const id = isJsonObject(body) ? body.taskId : undefined;
  return typeof id === 'string' && id !== '' ? id : check(taskResultSchema, body).taskId;
}

const REFERENCE_QUERY = { workerid: z.string().optional() };
const REFERENCE_BODY = z.record(z.string(), z.unknown());

function byReference(deps: RouteDeps): Route {
  return {
    method: 'POST',
    path: '/api/tasks/:id/:ref/:status',
    requires: deps.permissions.refUpdate('id', 'ref'),
    dialect: 'conductor',
    summary: 'Report the result of the open task of a reference; answers its id, or nothing',
    queryParameters: REFERENCE_QUERY,
    body: REFERENCE_BODY,
    reply: { contentType: 'text/plain' },
    async handle(request) {
      return text((await updateReference(deps, request)) ?? '');
    },
  };
}

function byReferenceSync(deps: RouteDeps): Route {
  const { permissions, reads, renderer, recordRead, access } = deps;
  const mayRead = permissions.run('read', 'id');
  return {
    method: 'POST',
    path: '/api/tasks/:id/:ref/:status/sync',
    requires: permissions.refUpdate('id', 'ref'),
    dialect: 'conductor',
    summary: 'Report the result of the open task of a reference; answers the execution',
    queryParameters: REFERENCE_QUERY,
    body: REFERENCE_BODY,
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { id = '', ref = '' } = request.params;
      // The answer is a history: who may report a result may not thereby read one.
      access.require(request.principal, await mayRead(request));
      if ((await updateReference(deps, request)) === null) {
        throw new AppError('not_found', `Found no running task ${ref} of workflow ${id} to update`);
      }
      const loaded = await reads.run(id, true);
      if (!loaded) throw noSuchRun(id);
      await recordRead(request.principal.id, id, 'POST /api/tasks/:id/:ref/:status/sync');
      return jsonText(await renderer.run(loaded));
    },
  };
}

/** The id of the task that was updated; null when none is open. */
async function updateReference({ orchestrator }: RouteDeps, request: HttpRequest): Promise<string | null> {
  const { id = '', ref = '' } = request.params;
  const status = oneOf('status', request.params.status, REPORTABLE_STATUSES);
  const output = await outputOf(request);
  return orchestrator.updateByRef(id, ref, status, output, workerQuery(request));
}

/** The body is the output itself; no body is an empty one. */
export async function outputOf(request: HttpRequest): Promise<Json> {
  const document = await request.json();
  if (document === undefined || document === null) return EMPTY_OBJECT;
  if (!isJsonObject(document)) {
    throw new AppError('invalid_request', 'The body is the output of the task: send a JSON object.');
  }
  return Json.of(jsonObject().parse(document));
}

function ack(method: 'POST' | 'PUT'): Route {
  return {
    method,
    path: '/api/tasks/:id/ack',
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Does nothing: a task is acknowledged by its poll',
    // JSON, not text: the Java client reads a boolean.
    reply: { contentType: 'application/json', schema: z.boolean() },
    handle: () => json(true),
  };
}
