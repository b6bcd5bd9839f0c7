// What the document at /openapi.json says of GETs is what a server does: generated clients go by it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { startServer } from '../../src/runtime/node/start-server.ts';

const operationSchema = z.object({
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean() })),
  responses: z.looseObject({ '200': z.object({ content: z.unknown().optional() }) }),
});
const documentSchema = z.object({ paths: z.record(z.string(), z.object({ get: operationSchema.optional() })) });

test('GETs need the query parameters that the document calls required, no others, and answer as it says', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'openapi-'));
  const server = await startServer({ dataDir, host: '127.0.0.1', port: 0, stripeSecret: 'sk_test_openapi' });
  onTestFinished(async () => {
    await server.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const get = (path: string) => fetch(server.url + path, { headers: { 'X-API-Key': server.localKey } });
  const { paths } = documentSchema.parse(await (await get('/openapi.json')).json());
  const said: Record<string, unknown> = {};
  const done: Record<string, unknown> = {};
  for (const [path, { get: operation }] of Object.entries(paths)) {
    // Of the others nothing is known that could be asked for; a vault key is asked for with itself.
    if (!operation || path.includes('{') || path.endsWith('/self')) continue;
    const needs = operation.parameters.some(({ in: where, required }) => where === 'query' && required);
    const answer = await get(path);
    const text = await answer.text();
    said[path] = needs ? 400 : { body: operation.responses['200'].content !== undefined };
    done[path] = answer.status === 400 ? 400 : { body: text !== '' };
  }
  expect(Object.keys(said).length).toBeGreaterThan(25);
  expect(done).toEqual(said);
});
