// Task definitions: retry, timeout and rate rules by task type. POST takes a list and upserts, PUT one that exists.
import { z } from 'zod';
import { isJsonObject } from '../../../model/json.ts';
import { type TaskDefinition, taskDefinitionSchema } from '../../../model/task-definition.ts';
import { readBody } from '../../body.ts';
import { EMPTY, json, type Route } from '../../route.ts';
import { METADATA_READ, METADATA_WRITE } from './definition-rights.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchTaskDefinition } from './not-found.ts';

const PATH = '/api/metadata/taskdefs';

const taskDefinitionsSchema: z.ZodType<TaskDefinition[], unknown> = z.preprocess(
  (value) => (isJsonObject(value) ? [value] : value),
  z.array(taskDefinitionSchema).max(1000),
);

export function taskDefinitionRoutes(deps: RouteDeps): Route[] {
  return [...writing(deps), ...reading(deps)];
}

function writing({ orchestrator }: RouteDeps): Route[] {
  return [
    {
      method: 'POST',
      path: PATH,
      requires: METADATA_WRITE,
      dialect: 'conductor',
      summary: 'Create or replace task definitions, all or none',
      body: z.array(taskDefinitionSchema),
      async handle(request) {
        await orchestrator.putTaskDefinitions(await readBody(request, taskDefinitionsSchema));
        return EMPTY;
      },
    },
    {
      method: 'PUT',
      path: PATH,
      requires: METADATA_WRITE,
      dialect: 'conductor',
      summary: 'Replace a task definition',
      body: taskDefinitionSchema,
      async handle(request) {
        const definition = await readBody(request, taskDefinitionSchema);
        if (!orchestrator.taskDefinition(definition.name)) throw noSuchTaskDefinition(definition.name);
        await orchestrator.putTaskDefinitions([definition]);
        return EMPTY;
      },
    },
    {
      method: 'DELETE',
      path: `${PATH}/:name`,
      requires: METADATA_WRITE,
      dialect: 'conductor',
      summary: 'Remove a task definition',
      async handle(request) {
        const { name = '' } = request.params;
        if (!orchestrator.taskDefinition(name)) throw noSuchTaskDefinition(name);
        await orchestrator.removeTaskDefinition(name);
        return EMPTY;
      },
    },
  ];
}

function reading({ orchestrator }: RouteDeps): Route[] {
  return [
    {
      method: 'GET',
      path: PATH,
      requires: METADATA_READ,
      dialect: 'conductor',
      summary: 'List task definitions',
      reply: { contentType: 'application/json', schema: z.array(taskDefinitionSchema) },
      handle: () => json(orchestrator.taskDefinitions()),
    },
    {
      method: 'GET',
      path: `${PATH}/:name`,
      requires: METADATA_READ,
      dialect: 'conductor',
      summary: 'Read a task definition',
      reply: { contentType: 'application/json', schema: taskDefinitionSchema },
      handle(request) {
        const { name = '' } = request.params;
        const definition = orchestrator.taskDefinition(name);
        if (!definition) throw noSuchTaskDefinition(name);
        return json(definition);
      },
    },
  ];
}
