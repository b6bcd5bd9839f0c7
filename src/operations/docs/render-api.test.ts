import { describe, expect, it } from 'vitest';
import { openapi } from '../../http/openapi.ts';
import { openConductor } from '../../http/routes/conductor/conductor.fixture.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import { apiCalls } from './api-document.ts';
import { curlCommand } from './curl.ts';
import { catalogOf, htmlOf, readTags, request } from './docs.fixture.ts';
import { exampleOf, schemaView } from './schema-view.ts';

describe('the API reference', () => {
  it('shows every call of the real OpenAPI document, with parameters, body, answers and a command', async () => {
    const conductor = await openConductor();
    const document = openapi(conductor.routes, '1.2.3');
    await conductor.stop();
    const catalog = catalogOf({}, { openapi: () => document });
    const calls = apiCalls(document);
    expect(calls.length).toBe(conductor.routes.length);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
    const overview = await htmlOf({ catalog, input: request('/docs/api') });
    readTags(overview);
    for (const { id, group } of calls) {
      expect(overview).toContain(`href="/docs/api/${encodeURIComponent(group)}#${id}"`);
    }
    for (const group of new Set(calls.map((call) => call.group))) {
      const text = await htmlOf({ catalog, input: request(`/docs/api/${encodeURIComponent(group)}`) });
      const ids = readTags(text).flatMap(({ attributes }) => attributes.id ?? []);
      for (const call of calls.filter((one) => one.group === group)) {
        expect(ids).toContain(call.id);
        for (const { name } of call.parameters) expect(text).toContain(`<code>${name}</code>`);
      }
      expect(text.length).toBeLessThan(150_000);
    }
    const start = await htmlOf({ catalog, input: request('/docs/api/workflow') });
    expect(start).toContain('<span class="verb post">POST</span> <span class="path">/api/workflow</span>');
    expect(start).toContain('<code>taskReferenceName</code> <span class="tag">required</span>');
  });

  it('survives documents of any shape, and schemas that hold themselves', async () => {
    const node = {
      type: 'object',
      required: ['next'],
      properties: { next: { $ref: '#/components/schemas/Node' }, name: { type: 'string' } },
    };
    const documents: JsonObject[] = [
      {},
      { paths: [] },
      {
        paths: {
          '/a': null,
          '/b': { get: 'x' },
          '/c': { get: { parameters: [null, 'x', {}], responses: { '200': null }, tags: [1] } },
        },
      },
      {
        paths: {
          '/<b>"/{id}': {
            post: {
              tags: ['<i>'],
              summary: '<script>alert(1)</script>',
              requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Node' } } } },
              responses: { '200': { $ref: '#/components/responses/none' } },
            },
          },
        },
        components: { schemas: { Node: node, Loop: { $ref: '#/components/schemas/Loop' } } },
      },
    ];
    for (const document of documents) {
      const catalog = catalogOf({}, { openapi: () => document });
      for (const path of [
        '/docs/api',
        ...apiCalls(document).map(({ group }) => `/docs/api/${encodeURIComponent(group)}`),
      ]) {
        const text = await htmlOf({ catalog, input: request(path) });
        readTags(text);
        expect(text).not.toMatch(/<script|<i>/);
      }
    }
  });

  it('ends on a schema that is wide and deep', () => {
    const wide = (depth: number): JsonObject => ({
      type: 'object',
      properties: Object.fromEntries(
        ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => [name, depth > 0 ? wide(depth - 1) : {}]),
      ),
    });
    expect(schemaView({}, wide(4)).text.length).toBeLessThan(100_000);
  });

  it('makes the smallest example that the schema allows', () => {
    const schema = {
      type: 'object',
      required: ['name', 'mode', 'list', 'count', 'maybe'],
      properties: {
        name: { type: 'string' },
        mode: { enum: ['x', 'y'] },
        list: { type: 'array', items: { type: 'boolean' } },
        count: { type: 'integer', minimum: 3 },
        maybe: { anyOf: [{ type: 'number' }, { type: 'null' }] },
        other: { type: 'string' },
      },
    };
    expect(exampleOf({}, schema)).toEqual({ name: 'text', mode: 'x', list: [false], count: 3, maybe: 0 });
    expect(isJsonObject(exampleOf({}, { $ref: '#/nowhere' }))).toBe(true);
  });
});

describe('a command to copy', () => {
  it('quotes whatever a document says', () => {
    const command = curlCommand({
      method: 'POST',
      path: "/a/{workflowId}/$(rm -rf x)';b",
      body: '{"a":"it\'s $HOME"}',
    });
    expect(command).toBe(
      [
        `curl -X POST "$CONDUCTOR_API_URL"'/a/WORKFLOW_ID/$(rm -rf x)'\\'';b' \\`,
        '  -H "X-API-Key: $CONDUCTOR_API_KEY" \\',
        "  -H 'Content-Type: application/json' \\",
        `  -d '{"a":"it'\\''s $HOME"}'`,
      ].join('\n'),
    );
  });
});
