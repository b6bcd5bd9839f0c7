// Single tasks and their logs. A log body is raw text whatever its Content-Type says: SDKs label it JSON.
import { z } from 'zod';
import { EMPTY, type HttpRequest, json, jsonText, NO_CONTENT, type Reply, type Route } from '../../route.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchTask } from './not-found.ts';

export function taskReadRoutes(deps: RouteDeps): Route[] {
  return [readTask(deps), addLog(deps), readLogs(deps), ...legacy(deps)];
}

function readTask({ permissions, reads, renderer, recordRead }: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/tasks/:id',
    requires: permissions.taskRead('id'),
    dialect: 'conductor',
    summary: 'Read a task',
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { id = '' } = request.params;
      const found = await reads.taskById(id);
      if (!found) throw noSuchTask(id);
      await recordRead(request.principal.id, found.run.id, 'GET /api/tasks/:id');
      return jsonText(await renderer.task(found.task, found.run));
    },
  };
}

function addLog({ orchestrator, permissions }: RouteDeps): Route {
  return {
    method: 'POST',
    path: '/api/tasks/:id/log',
    requires: permissions.taskUpdate(({ params }) => params.id ?? ''),
    dialect: 'conductor',
    summary: 'Append a line to the log of a task; the body is the line',
    body: z.string(),
    async handle(request) {
      await orchestrator.addLog(request.params.id ?? '', logLine(await request.text()));
      return EMPTY;
    },
  };
}

function readLogs({ permissions, reads, recordRead }: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/tasks/:id/log',
    requires: permissions.taskRead('id'),
    dialect: 'conductor',
    summary: 'Read the log of a task; 204 when it is empty',
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { id = '' } = request.params;
      const found = await reads.taskById(id);
      if (!found) throw noSuchTask(id);
      await recordRead(request.principal.id, found.run.id, 'GET /api/tasks/:id/log');
      const logs = await reads.logs([id]);
      if (logs.length === 0) return NO_CONTENT;
      return json(logs.map(({ log, taskId, createdMs }) => ({ log, taskId, createdTime: createdMs })));
    },
  };
}

/** Routes that servers once had: they answer, and do no harm. */
function legacy(_deps: RouteDeps): Route[] {
  const harmless = (method: Route['method'], path: string, handle: (request: HttpRequest) => Reply): Route => ({
    method,
    path,
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Kept for old clients; does nothing',
    handle,
  });
  return [
    {
      ...harmless('GET', '/api/tasks/in_progress/:type', () => jsonText('[]')),
      reply: { contentType: 'application/json' },
    },
    harmless('GET', '/api/tasks/in_progress/:id/:ref', () => NO_CONTENT),
    harmless('DELETE', '/api/tasks/queue/:type/:id', () => EMPTY),
  ];
}

/** The JavaScript SDK sends a JSON string, others the bare text: both mean the text. */
function logLine(body: string): string {
  if (!body.startsWith('"')) return body;
  try {
    const line: unknown = JSON.parse(body);
    return typeof line === 'string' ? line : body;
  } catch {
    return body;
  }
}
