// Workflow definitions: register, read, remove. Definitions are checked before anything is written.
import { z } from 'zod';
import { validateDefinition } from '../../../engine/plan/validate-definition.ts';
import { isJsonObject, type JsonValue } from '../../../model/json.ts';
import { type WorkflowDefinition, workflowDefinitionSchema } from '../../../model/workflow-definition.ts';
import { readBody } from '../../body.ts';
import { flagQuery, wholeParam, wholeQuery } from '../../query.ts';
import { EMPTY, type HttpRequest, json, type Reply, type Route } from '../../route.ts';
import { METADATA_READ, METADATA_WRITE, requireIssuer } from './definition-rights.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchDefinition } from './not-found.ts';

/** A list, or one alone: older clients PUT a single definition. */
const definitionsSchema: z.ZodType<WorkflowDefinition[], unknown> = z.preprocess(
  (value) => (isJsonObject(value) ? [value] : value),
  z.array(workflowDefinitionSchema).min(1, 'must hold at least one definition').max(1000),
);

export function workflowDefinitionRoutes(deps: RouteDeps): Route[] {
  return [create(deps), replaceAll(deps), validate(), remove(deps), ...reading(deps), ...listing(deps)];
}

function create({ orchestrator, access }: RouteDeps): Route {
  return {
    method: 'POST',
    path: '/api/metadata/workflow',
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary: 'Register a workflow definition',
    body: workflowDefinitionSchema,
    queryParameters: { overwrite: z.boolean().optional() },
    async handle(request) {
      const mode = flagQuery(request, 'overwrite', false) ? 'overwrite' : 'create';
      const definition = await readBody(request, workflowDefinitionSchema);
      requireIssuer(access, request.principal, definition);
      await orchestrator.putDefinition(definition, mode);
      return EMPTY;
    },
  };
}

function replaceAll({ orchestrator, access }: RouteDeps): Route {
  return {
    method: 'PUT',
    path: '/api/metadata/workflow',
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary: 'Create or replace workflow definitions, all or none',
    body: z.array(workflowDefinitionSchema),
    reply: { contentType: 'application/json' },
    async handle(request) {
      const definitions = await readBody(request, definitionsSchema);
      for (const definition of definitions) requireIssuer(access, request.principal, definition);
      await orchestrator.putDefinitions(definitions);
      return json({
        bulkErrorResults: {},
        bulkSuccessfulResults: definitions.map(({ name }) => name),
        message: 'Bulk Request has been processed.',
      });
    },
  };
}

function validate(): Route {
  return {
    method: 'POST',
    path: '/api/metadata/workflow/validate',
    requires: METADATA_READ,
    dialect: 'conductor',
    summary: 'Check a workflow definition without registering it; names properties that nobody reads',
    body: workflowDefinitionSchema,
    reply: { contentType: 'application/json', schema: z.object({ warnings: z.array(z.string()) }) },
    async handle(request) {
      const definition = await readBody(request, workflowDefinitionSchema);
      return json(validateDefinition(definition, await request.json()));
    },
  };
}

function remove({ orchestrator }: RouteDeps): Route {
  return {
    method: 'DELETE',
    path: '/api/metadata/workflow/:name/:version',
    requires: METADATA_WRITE,
    dialect: 'conductor',
    summary: 'Remove one version of a workflow definition',
    async handle(request) {
      const { name = '' } = request.params;
      await orchestrator.removeDefinition(name, wholeParam(request, 'version'));
      return EMPTY;
    },
  };
}

function reading({ orchestrator }: RouteDeps): Route[] {
  const versionsOf = (name: string) => orchestrator.definitions().filter((definition) => definition.name === name);
  return [
    {
      method: 'GET',
      path: '/api/metadata/workflow/:name',
      requires: METADATA_READ,
      dialect: 'conductor',
      summary: 'Read a workflow definition: one version, or the latest',
      queryParameters: { version: z.int().optional() },
      reply: { contentType: 'application/json', schema: workflowDefinitionSchema },
      handle(request) {
        const { name = '' } = request.params;
        const version = wholeQuery(request, 'version', null);
        const definition = orchestrator.definition(name, version);
        if (!definition) throw noSuchDefinition(name, version);
        return json(definition);
      },
    },
    {
      method: 'GET',
      path: '/api/metadata/workflow/:name/versions',
      requires: METADATA_READ,
      dialect: 'conductor',
      summary: 'List the versions of a workflow definition',
      reply: { contentType: 'application/json' },
      handle(request) {
        const { name = '' } = request.params;
        const versions = versionsOf(name);
        if (versions.length === 0) throw noSuchDefinition(name, null);
        return json(versions.map(summary));
      },
    },
  ];
}

function listing({ orchestrator }: RouteDeps): Route[] {
  const list = (path: string, title: string, handle: (request: HttpRequest) => Reply): Route => ({
    method: 'GET',
    path,
    requires: METADATA_READ,
    dialect: 'conductor',
    summary: title,
    reply: { contentType: 'application/json' },
    handle,
  });
  const all = () => orchestrator.definitions();
  return [
    list('/api/metadata/workflow', 'List all versions of all workflow definitions', () => json(all())),
    list('/api/metadata/workflow/names', 'List the names of all workflow definitions', () =>
      json([...byName(all()).keys()]),
    ),
    list('/api/metadata/workflow/names-and-versions', 'List names, each with its versions', () =>
      json(Object.fromEntries([...byName(all())].map(([name, versions]) => [name, versions.map(summary)]))),
    ),
    list('/api/metadata/workflow/latest-versions', 'List the latest version of every workflow definition', () =>
      json([...byName(all()).values()].map(latest)),
    ),
  ];
}

function byName(definitions: readonly WorkflowDefinition[]): Map<string, WorkflowDefinition[]> {
  const groups = new Map<string, WorkflowDefinition[]>();
  for (const definition of definitions) {
    const group = groups.get(definition.name);
    if (group) group.push(definition);
    else groups.set(definition.name, [definition]);
  }
  return groups;
}

function latest(versions: readonly WorkflowDefinition[]): WorkflowDefinition | undefined {
  return versions.reduce((newest, definition) => (definition.version > newest.version ? definition : newest));
}

function summary({ name, version, createTime, updateTime }: WorkflowDefinition): Record<string, JsonValue | undefined> {
  return { name, version, createTime, updateTime };
}
