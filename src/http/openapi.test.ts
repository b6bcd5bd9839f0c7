import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isJsonObject, type JsonValue } from '../model/json.ts';
import { taskResultSchema } from '../model/task-result.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';
import { openapi, openapiRoutes } from './openapi.ts';
import { EMPTY, type Route } from './route.ts';

const routes: Route[] = [
  {
    method: 'POST',
    path: '/api/metadata/workflow',
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Register',
    body: workflowDefinitionSchema,
    queryParameters: { overwrite: z.boolean().optional() },
    handle: () => EMPTY,
  },
  {
    method: 'PUT',
    path: '/api/metadata/workflow',
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Register several',
    body: z.array(workflowDefinitionSchema),
    handle: () => EMPTY,
  },
  {
    method: 'POST',
    path: '/api/tasks/:id/log',
    requires: 'public',
    dialect: 'conductor',
    summary: 'Log',
    body: taskResultSchema,
    reply: { contentType: 'text/plain' },
    handle: () => EMPTY,
  },
];

function references(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' && typeof item === 'string' ? [item] : references(item),
  );
}

describe('the OpenAPI document', () => {
  const document = openapi(routes, '1.2.3');

  it('holds every route with its parameters, body and answer', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { version: '1.2.3' },
      paths: {
        '/api/metadata/workflow': {
          post: { summary: 'Register', parameters: [{ name: 'overwrite', in: 'query', required: false }] },
          put: { summary: 'Register several' },
        },
        '/api/tasks/{id}/log': {
          post: {
            security: [],
            parameters: [{ name: 'id', in: 'path', required: true }],
            responses: { '200': { content: { 'text/plain': { schema: { type: 'string' } } } } },
          },
        },
      },
    });
  });

  it('refers only to schemas that it holds', () => {
    const { components } = document;
    const schemas = isJsonObject(components) && isJsonObject(components.schemas) ? components.schemas : {};
    const wanted = references(document);
    expect(wanted.length).toBeGreaterThan(5);
    for (const reference of wanted) {
      expect(reference).toMatch(/^#\/components\/schemas\//);
      expect(Object.keys(schemas)).toContain(reference.slice('#/components/schemas/'.length));
    }
  });

  it('describes what a caller sends, before defaults', () => {
    const text = JSON.stringify(document);
    expect(text).toContain('"taskReferenceName"');
    expect(text).toContain('"FAILED_WITH_TERMINAL_ERROR"');
  });

  it('is served with its own routes in it', async () => {
    const [route] = openapiRoutes(routes, '1.2.3');
    const signal = new AbortController().signal;
    const principal = { id: 'a', name: 'a', permissions: [] };
    const request = {
      method: 'GET',
      path: '/openapi.json',
      params: {},
      query: new URLSearchParams(),
      principal,
      signal,
    };
    const bytes = async () => new Uint8Array();
    const rest = { id: 'r', target: '/openapi.json', origin: {}, bytes, json: async () => undefined };
    const reply = await route?.handle({ ...request, ...rest, header: () => undefined, text: async () => '' });
    expect(reply).toMatchObject({ status: 200, contentType: 'application/json' });
    expect(JSON.parse(String(reply?.body)).paths).toHaveProperty('/openapi.json');
  });
});
