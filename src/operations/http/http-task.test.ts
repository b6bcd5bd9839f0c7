import { createServer, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createEgress } from '../../egress/create-egress.ts';
import { EMPTY_OBJECT, Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import type { InProcessResult } from '../../orchestrator/ports.ts';
import { Stopper } from '../../orchestrator/stop.ts';
import { createHttpWorker, type HttpWorkerOptions } from './http-task.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
  /** Leaves the request without an answer. */
  readonly silent?: boolean;
}

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

interface Setup {
  readonly origin: string;
  readonly seen: Seen[];
  execute(input: JsonObject, ids?: { runId?: string; ref?: string; attempt?: number }): Promise<InProcessResult>;
}

async function setup(answer: Answer = {}, options: HttpWorkerOptions = {}): Promise<Setup> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      seen.push({
        method: request.method,
        url: request.url,
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body,
      });
      if (answer.silent) return;
      response.writeHead(answer.status ?? 200, answer.headers ?? {});
      response.end(answer.body ?? '{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const origin = `http://127.0.0.1:${address.port}`;
  const egress = createEgress({ allowOrigins: () => [origin] });
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await egress.close();
  });
  const worker = createHttpWorker(egress, options);
  const execute: Setup['execute'] = async (input, ids = {}) =>
    worker.execute(
      taskOf(ids.ref ?? 'fetch', ids.attempt ?? 0),
      runOf(ids.runId ?? 'wf-1'),
      Json.of(input),
      new Stopper(),
      () => ({}),
    );
  return { origin, seen, execute };
}

function runOf(id: string): Run {
  return {
    rowId: 1,
    id,
    rootId: id,
    snapshotId: 's',
    name: 'billing',
    version: 1,
    correlationId: null,
    priority: 0,
    taskToDomain: {},
    createdBy: null,
    parent: null,
    idempotencyKey: null,
    input: EMPTY_OBJECT,
    createdMs: 1,
    status: 'RUNNING',
    output: EMPTY_OBJECT,
    variables: EMPTY_OBJECT,
    reason: null,
    failedRefs: [],
    failedNames: [],
    updatedMs: 1,
    endedMs: 0,
    lastRetriedMs: 0,
    dueMs: 0,
    lastSeq: 1,
    openTasks: 1,
    sequenceDone: false,
  };
}

function taskOf(ref: string, attempt: number): Task {
  return {
    rowId: 1 + attempt,
    id: `task-${attempt}`,
    runRowId: 1,
    ref,
    step: ref,
    scope: '',
    iteration: 0,
    type: 'HTTP',
    defName: 'fetch',
    queue: 'HTTP',
    domain: null,
    seq: 1,
    attempt,
    retriedTaskId: null,
    input: EMPTY_OBJECT,
    fragment: null,
    forkRowId: 0,
    responseTimeoutSeconds: 0,
    startDelaySeconds: 0,
    scheduledMs: 1,
    firstScheduledMs: 1,
    status: 'IN_PROGRESS',
    output: EMPTY_OBJECT,
    reason: null,
    workerId: null,
    pollCount: 1,
    callbackAfterSeconds: 0,
    startedMs: 1,
    endedMs: 0,
    updatedMs: 1,
    visibleMs: 0,
    dueMs: 0,
    retried: false,
    executed: false,
    waiting: 0,
    subRunId: null,
  };
}

function responseOf(result: InProcessResult): JsonValue | undefined {
  return result.output.object.response;
}

describe('K13: the HTTP task takes http_request and answers at output.response.body', () => {
  it('sends uri, method, headers and body', async () => {
    const { origin, seen, execute } = await setup({
      status: 201,
      headers: { 'Content-Type': 'application/json', 'X-Twice': ['a', 'b'] },
      body: '{"customers":[{"id":"c1"}]}',
    });
    const result = await execute({
      http_request: {
        uri: `${origin}/customers?page=1`,
        method: 'post',
        headers: { 'X-Text': 'a', 'X-Number': 5, 'X-Flag': true, 'X-None': null },
        body: { since: 1, tags: ['x'] },
      },
    });
    expect(result).toMatchObject({ status: 'COMPLETED', reason: null });
    expect(responseOf(result)).toMatchObject({
      statusCode: 201,
      reasonPhrase: 'Created',
      headers: { 'content-type': ['application/json'], 'x-twice': ['a', 'b'] },
      body: { customers: [{ id: 'c1' }] },
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/customers?page=1', body: '{"since":1,"tags":["x"]}' });
    expect(seen[0]?.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/json',
      'x-text': 'a',
      'x-number': '5',
      'x-flag': 'true',
    });
    expect(seen[0]?.headers).not.toHaveProperty('x-none');
  });

  it('takes the same keys at the top', async () => {
    const { origin, seen, execute } = await setup();
    expect(await execute({ uri: origin, method: 'GET' })).toMatchObject({ status: 'COMPLETED' });
    expect(seen[0]?.method).toBe('GET');
    expect(seen[0]?.headers).not.toHaveProperty('content-type');
  });

  it.each<[string, string, JsonValue]>([
    ['an object', '{"a":1}', { a: 1 }],
    ['a list', '[1,"x"]', [1, 'x']],
    ['a number', '12.50', 12.5],
    ['a boolean', 'true', 'true'],
    ['null', 'null', 'null'],
    ['a JSON string', '"quoted"', 'quoted'],
    ['text', '<html>no</html>', '<html>no</html>'],
    ['nothing', '', null],
  ])('reads a body that is %s', async (_, body, expected) => {
    const { origin, execute } = await setup({ body });
    expect(responseOf(await execute({ http_request: { uri: origin, method: 'GET' } }))).toMatchObject({
      body: expected,
    });
  });
});

describe('headers', () => {
  it.each(['Content-Type', 'content-type', 'CONTENT-TYPE'])('%s of the user replaces the default', async (name) => {
    const { origin, seen, execute } = await setup();
    await execute({
      http_request: {
        uri: origin,
        method: 'POST',
        headers: { [name]: 'text/csv' },
        body: 'a,b',
        contentType: 'text/plain',
      },
    });
    const sent = seen[0]?.rawHeaders.filter((_, index) => index % 2 === 0).map((header) => header.toLowerCase());
    expect(sent?.filter((header) => header === 'content-type')).toHaveLength(1);
    expect(seen[0]?.headers['content-type']).toBe('text/csv');
    expect(seen[0]?.body).toBe('a,b');
  });

  it('takes accept as text or list, and contentType', async () => {
    const { origin, seen, execute } = await setup();
    const uri = origin;
    await execute({
      http_request: { uri, method: 'PUT', accept: 'text/plain', contentType: 'application/xml', body: '<a/>' },
    });
    await execute({ http_request: { uri, method: 'GET', accept: ['text/a', 'text/b'] } });
    expect(seen[0]?.headers).toMatchObject({ accept: 'text/plain', 'content-type': 'application/xml' });
    expect(seen[1]?.headers.accept).toBe('text/a, text/b');
  });

  it('sends an object as a form when the content type says so', async () => {
    const { origin, seen, execute } = await setup();
    const contentType = 'application/x-www-form-urlencoded';
    await execute({ http_request: { uri: origin, method: 'POST', contentType, body: { amount: 50, note: 'a b&c' } } });
    expect(seen[0]?.body).toBe('amount=50&note=a+b%26c');
  });
});

describe('idempotency key', () => {
  it('is the same over the attempts of a step and differs between steps and runs', async () => {
    const { origin, seen, execute } = await setup();
    const input = { http_request: { uri: origin, method: 'POST', body: {} } };
    await execute(input, { attempt: 0 });
    await execute(input, { attempt: 1 });
    await execute(input, { ref: 'fetch__2' });
    await execute(input, { runId: 'wf-2' });
    const keys = seen.map((each) => each.headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f]{40}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(3);
  });

  it('is sent with changing methods only, and never beside one of the user', async () => {
    const { origin, seen, execute } = await setup();
    for (const method of ['PUT', 'PATCH', 'DELETE', 'GET', 'HEAD']) await execute({ uri: origin, method });
    await execute({ uri: origin, method: 'POST', headers: { 'idempotency-KEY': 'mine' } });
    expect(seen.map((each) => each.headers['idempotency-key'] !== undefined)).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(seen[5]?.headers['idempotency-key']).toBe('mine');
  });
});

describe('failures', () => {
  it.each([
    [404, 'Not Found', '{"error":"no such customer"}'],
    [503, 'Service Unavailable', 'try later'],
  ])('%i fails the task with status and body', async (status, phrase, body) => {
    const { origin, execute } = await setup({ status, body });
    const result = await execute({ http_request: { uri: origin, method: 'GET' } });
    const text = `java.lang.Exception: ${status} ${phrase}: ${JSON.stringify(body)}`;
    expect(result.status).toBe('FAILED');
    expect(result.reason).toBe(`Failed to invoke HTTP task due to: ${text}`);
    expect(result.output.value).toEqual({ response: text });
  });

  it('a server that does not answer fails the task', async () => {
    const { origin, execute } = await setup({ silent: true });
    const result = await execute({ http_request: { uri: origin, method: 'GET', readTimeOut: '100' } });
    expect(result.status).toBe('FAILED');
    expect(result.reason).toMatch(
      /^Failed to invoke HTTP task due to: java\.lang\.Exception: no answer .* within 100 ms/,
    );
  });

  it('a response over the limit fails the task', async () => {
    const { origin, execute } = await setup({ body: 'x'.repeat(101) }, { responseBytesMax: 100 });
    expect((await execute({ uri: origin, method: 'GET' })).reason).toMatch(/larger than 100 bytes/);
  });

  it('an internal address fails it for good', async () => {
    const { execute } = await setup();
    const result = await execute({ http_request: { uri: 'http://169.254.169.254/latest', method: 'GET' } });
    expect(result.status).toBe('FAILED_WITH_TERMINAL_ERROR');
    expect(result.reason).toMatch(/SSRF protection/);
  });

  it.each<[JsonObject, RegExp]>([
    [{}, /"uri" is missing/],
    [{ http_request: { method: 'GET' } }, /"uri" is missing/],
    [{ http_request: { uri: null, method: 'GET' } }, /"uri" is missing/],
    [{ http_request: { uri: 'https://example.com' } }, /"method" is missing/],
    [{ http_request: { uri: 'https://example.com', method: 'BREW' } }, /"BREW" is not supported/],
    [{ http_request: { uri: 'not a url', method: 'GET' } }, /Invalid URL/],
  ])('%j is refused for good', async (input, reason) => {
    const { execute } = await setup();
    const result = await execute(input);
    expect(result.status).toBe('FAILED_WITH_TERMINAL_ERROR');
    expect(result.reason).toMatch(reason);
  });
});

describe('asyncComplete', () => {
  it('leaves the task open after a good answer, not after a bad one', async () => {
    const good = await setup({ status: 202, body: '{"job":1}' });
    const result = await good.execute({ http_request: { uri: good.origin, method: 'POST', asyncComplete: true } });
    expect(result.status).toBe('IN_PROGRESS');
    expect(responseOf(result)).toMatchObject({ statusCode: 202, body: { job: 1 } });
    const bad = await setup({ status: 500 });
    expect(await bad.execute({ uri: bad.origin, method: 'POST', asyncComplete: true })).toMatchObject({
      status: 'FAILED',
    });
  });
});
