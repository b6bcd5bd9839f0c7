// Event handlers: what the server does when a workflow publishes an event. Whoever registers one must be permitted to do
// what it will do, for it is done whoever publishes.
import { z } from 'zod';
import type { Access, Principal } from '../../../access/access.ts';
import { AppError } from '../../../model/error.ts';
import { type EventAction, type EventHandler, eventHandlerSchema } from '../../../model/event-handler.ts';
import { isJsonObject } from '../../../model/json.ts';
import { readBody } from '../../body.ts';
import { permission } from '../../permission.ts';
import { flagQuery } from '../../query.ts';
import { EMPTY, json, type Route } from '../../route.ts';
import { METADATA_READ, METADATA_WRITE } from './definition-rights.ts';
import type { RouteDeps } from './deps.ts';

const PATH = '/api/event';
/** Conductor takes one, SDKs send a list. */
const handlersSchema: z.ZodType<EventHandler[], unknown> = z.preprocess(
  (value) => (isJsonObject(value) ? [value] : value),
  z.array(eventHandlerSchema).min(1).max(100),
);
const listReply = { contentType: 'application/json', schema: z.array(eventHandlerSchema) } as const;

export function eventHandlerRoutes(deps: RouteDeps): Route[] {
  return [writing(deps, 'POST', 'create'), writing(deps, 'PUT', 'replace'), removing(deps), ...reading(deps)];
}

function writing({ orchestrator, access }: RouteDeps, method: 'POST' | 'PUT', mode: 'create' | 'replace'): Route {
  return {
    method,
    path: PATH,
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary: mode === 'create' ? 'Create event handlers, all or none' : 'Replace event handlers, all or none',
    body: z.union([eventHandlerSchema, z.array(eventHandlerSchema)]),
    async handle(request) {
      const handlers = await readBody(request, handlersSchema);
      for (const handler of handlers) requireActions(access, request.principal, handler);
      await orchestrator.putEventHandlers(handlers, mode);
      return EMPTY;
    },
  };
}

function removing({ orchestrator }: RouteDeps): Route {
  return {
    method: 'DELETE',
    path: `${PATH}/:name`,
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary: 'Remove an event handler',
    async handle(request) {
      await orchestrator.removeEventHandler(request.params.name ?? '');
      return EMPTY;
    },
  };
}

function reading({ orchestrator }: RouteDeps): Route[] {
  const shared = { method: 'GET', requires: METADATA_READ, dialect: 'conductor' } as const;
  return [
    {
      ...shared,
      path: PATH,
      summary: 'List event handlers',
      reply: listReply,
      handle: () => json(orchestrator.eventHandlers()),
    },
    {
      ...shared,
      path: `${PATH}/handler/:name`,
      summary: 'Read an event handler',
      reply: { contentType: 'application/json', schema: eventHandlerSchema },
      handle(request) {
        const { name = '' } = request.params;
        const handler = orchestrator.eventHandlers().find((one) => one.name === name);
        if (!handler) throw new AppError('not_found', `EventHandler with name ${name} not found!`);
        return json(handler);
      },
    },
    {
      ...shared,
      path: `${PATH}/:event`,
      summary: 'List the handlers of an event; only active ones unless activeOnly=false',
      queryParameters: { activeOnly: z.boolean().optional() },
      reply: listReply,
      handle(request) {
        const activeOnly = flagQuery(request, 'activeOnly', true);
        const fits = ({ event, active }: EventHandler) => event === request.params.event && (active || !activeOnly);
        return json(orchestrator.eventHandlers().filter(fits));
      },
    },
  ];
}

/** Throws AppError forbidden. */
function requireActions(access: Access, principal: Principal, { actions }: EventHandler): void {
  for (const action of actions) access.require(principal, rightOf(action));
}

/** Which execution or task it is about, an event says: so it takes the right to any. */
function rightOf({ action, start_workflow: start }: EventAction): string {
  if (action === 'complete_task' || action === 'fail_task') return permission('task', '*', 'update');
  if (action !== 'start_workflow') return permission('workflow', '*', 'manage');
  const name = start?.name ?? '*';
  return permission('workflow', name.includes('${') ? '*' : name, 'execute');
}
