// For tests of the docs agent: a small project's catalog, a call as the runner makes it, and a strict reader of the HTML
// that comes back: every tag closed in order, nothing but what a page of ours may hold.
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Catalog, OperationContext } from '../operation.ts';
import { DOCS_AGENT, docsOperation } from './docs-agent.ts';
import { pageOfFile } from './docs-page.ts';

export const SMALL_API: JsonObject = {
  openapi: '3.1.0',
  info: { title: 'Small', version: '1' },
  security: [{ apiKey: [] }],
  paths: { '/api/v1/things/{id}': { get: { summary: 'One thing', responses: { '200': { description: 'It' } } } } },
};

export function catalogOf(files: Readonly<Record<string, string>>, rest: Partial<Catalog> = {}): Catalog {
  const pages = Object.entries(files).flatMap(([path, text]) => pageOfFile(path, text) ?? []);
  const triggers = ['GET /docs', 'GET /docs/:slug', 'GET /docs/*'];
  return {
    projectName: 'Acme',
    projectVersion: '1.4.2',
    agents: () => [
      { name: 'fetch', operation: 'fetch', description: 'Gets a URL', builtIn: true },
      { name: 'ledger-secret', operation: 'code', description: 'Adds up', builtIn: false },
    ],
    ensembles: () => [
      { name: 'docs-serve', description: null, steps: ['render'], triggers, inputs: [] },
      {
        name: 'invoice-pdf',
        description: 'Makes <invoices>',
        steps: ['load', 'print'],
        triggers: ['POST /api/invoices'],
        inputs: [{ name: 'orderId', type: 'string', required: true, description: 'Which order' }],
      },
    ],
    pages: () => pages,
    openapi: () => SMALL_API,
    ...rest,
  };
}

export interface Asked {
  readonly catalog: Catalog;
  readonly config?: JsonObject;
  readonly input?: JsonValue;
  readonly authenticated?: boolean;
  readonly now?: number;
}

/** Runs the operation with what it may touch; the rest of the context throws when it is touched. */
export async function askDocs({ catalog, config = {}, input = {}, authenticated = false, now = 0 }: Asked) {
  const forbidden = (): never => {
    throw new Error('the docs agent has no business here');
  };
  const context: OperationContext = {
    input,
    config,
    env: {},
    executionId: 'req_1',
    requestId: 'req_1',
    auth: { authenticated, method: null, user: null },
    location: undefined,
    edge: undefined,
    fetch: forbidden,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    state: {},
    setState: forbidden,
    previousOutputs: {},
    signal: new AbortController().signal,
    waitUntil: forbidden,
    agent: DOCS_AGENT,
    services: {
      handler: forbidden,
      keyValue: { open: forbidden },
      databases: { open: forbidden },
      vectors: { upsert: forbidden, search: forbidden, delete: forbidden },
      catalog,
    },
    clock: { now: () => now },
  };
  const output = await docsOperation.run(context);
  if (!isJsonObject(output)) throw new Error('the docs agent gives an object');
  return output;
}

/** A GET as the http trigger hands it over. */
export function request(path: string, query: JsonObject = {}): JsonObject {
  return { ...query, path, method: 'GET', query, params: {}, headers: {} };
}

export async function htmlOf(asked: Asked): Promise<string> {
  return String((await askDocs(asked)).html);
}

export interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const VOID = new Set(['meta', 'img', 'input', 'br', 'hr']);
const TAG = /<(\/?)([a-z][a-z\d]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>|<!doctype html>|<|>/gy;

/** Every tag of a document. Throws where a browser would have to guess: a stray `<` or `>`, a tag that is not closed. */
export function readTags(text: string): Tag[] {
  const style = /<style>[^<]*<\/style>/g;
  const source = text.replaceAll(style, '<style></style>');
  const tags: Tag[] = [];
  const open: string[] = [];
  for (let at = source.search(/[<>]/); at !== -1 && at < source.length; ) {
    TAG.lastIndex = at;
    const [whole = '', closes, name, attributes = ''] = TAG.exec(source) ?? [];
    if (whole === '<' || whole === '>' || whole === '') throw new Error(`stray ${source.slice(at, at + 60)}`);
    if (name !== undefined && closes) {
      if (open.pop() !== name) throw new Error(`</${name}> closes nothing at ${source.slice(at - 60, at + 60)}`);
    } else if (name !== undefined) {
      if (!VOID.has(name)) open.push(name);
      const pairs = [...attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [
        key,
        value,
      ]);
      tags.push({ name, attributes: Object.fromEntries(pairs) });
    }
    const next = source.slice(at + whole.length).search(/[<>]/);
    at = next === -1 ? -1 : at + whole.length + next;
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`);
  return tags;
}
