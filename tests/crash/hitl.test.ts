// Approvals over `kill -9`: whoever was asked can still answer, every vote that was acknowledged counts, silence ends as it
// would have, and the execution goes on to the right output.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { writeFiles } from '../security/project.fixture.ts';
import { createTestDatabase } from '../support/postgres-database.ts';
import { ServerProcess } from '../support/server-process.ts';

interface Answer {
  readonly status: string;
  readonly executionId: string;
  readonly output: unknown;
}
interface Notice {
  readonly executionId: string;
  readonly links: readonly { readonly approver: string; readonly url: string }[];
}

const LOOKS_MAX = 800;
const undo: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const flow = (name: string, config: string) => `
name: ${name}
flow:
  - name: prepare
    agent: echo
    input: { total: '\${input.amount}' }
  - name: approval
    agent: hitl
    config: ${config}
  - name: pay
    agent: echo
    when: \${approval.output.approved}
    input: { paid: '\${prepare.output.echo.total}' }
output:
  status: \${approval.output.status}
  paid: \${pay.output.echo.paid}
  by: \${approval.output.approvals}
`;

/** Keeps every request open until it is told to answer. */
async function openHook() {
  const notices: Notice[] = [];
  const held: ServerResponse[] = [];
  let answers = false;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    notices.push(JSON.parse(Buffer.concat(chunks).toString()));
    if (answers) response.end();
    else held.push(response);
    server.emit('notice');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    notices,
    async received(count: number): Promise<Notice | undefined> {
      while (notices.length < count) await once(server, 'notice');
      return notices.at(-1);
    },
    answer() {
      answers = true;
      for (const response of held.splice(0)) response.destroy();
    },
  };
}

async function openServer(files: Record<string, string>, hook: string, env: Record<string, string>) {
  const project = mkdtempSync(join(tmpdir(), 'conductor-hitl-'));
  undo.push(() => rmSync(project, { recursive: true, force: true }));
  writeFiles(project, { 'conductor.config.json': '{"name":"hitl"}', ...files });
  const server = await ServerProcess.create({ args: ['--project', project, '--allow-origin', hook], env });
  undo.push(() => server.dispose());
  await server.start();
  return server;
}

async function restart(server: ServerProcess): Promise<void> {
  await server.kill();
  await server.start();
}

async function answerOf(response: Response): Promise<Answer> {
  return JSON.parse(await response.text());
}

async function suspended(server: ServerProcess, name: string): Promise<string> {
  const response = await server.call('POST', `/api/v1/execute/ensemble/${name}`, { input: { amount: 12 } });
  const { executionId, status } = await answerOf(response);
  expect([response.status, status]).toEqual([202, 'suspended']);
  return executionId;
}

async function ended(server: ServerProcess, id: string): Promise<Answer> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const answer = await answerOf(await server.call('GET', `/api/v1/executions/${id}`));
    if (answer.status !== 'running') return answer;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${id} did not end:\n${server.log}`);
}

async function voteBy(url: string | undefined): Promise<{ readonly code: number; readonly status: string }> {
  const response = await fetch(url ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"decision":"approve"}',
  });
  return { code: response.status, status: (await answerOf(response)).status };
}

describe('kill -9', () => {
  test('while people decide: no notice, no vote and no step is lost', async () => {
    const hook = await openHook();
    const config = `{ approvers: [ann, bob], minApprovals: 2, notificationChannel: webhook,
      notificationConfig: { webhookUrl: '${hook.origin}' } }`;
    const server = await openServer({ 'ensembles/ask.yaml': flow('ask', config) }, hook.origin, {});
    const executionId = await suspended(server, 'ask');

    // The notice is on its way, and nobody knows yet whether it arrived.
    const first = await hook.received(1);
    await server.kill();
    hook.answer();
    await server.start();
    const notice = await hook.received(2);
    expect(notice).toEqual(first);
    expect(notice?.executionId).toBe(executionId);
    const [ann, bob] = notice?.links.map(({ url }) => url) ?? [];

    // A vote was answered; the next moment all is gone.
    expect(await voteBy(ann)).toEqual({ code: 200, status: 'pending' });
    await restart(server);
    expect((await voteBy(ann)).code).toBe(409);
    expect(await voteBy(bob)).toEqual({ code: 200, status: 'approved' });
    await restart(server);

    expect(await ended(server, executionId)).toMatchObject({
      status: 'completed',
      output: { status: 'approved', paid: 12, by: [{ approver: 'ann' }, { approver: 'bob' }] },
    });
    expect((await voteBy(bob)).code).toBe(409);
  }, 120_000);

  test.each([
    ['the embedded store', async () => ({})],
    ['Postgres', async () => ({ CONDUCTOR_DATABASE: await createTestDatabase() })],
  ])(
    'while nobody decides, on %s: the time goes on, and silence means what it was told',
    async (_, settings) => {
      const config = '{ approvers: [ann], timeout: 1000, onTimeout: approve }';
      const files = { 'ensembles/wait.yaml': flow('wait', config) };
      const server = await openServer(files, 'http://127.0.0.1:9', await settings());
      const executionId = await suspended(server, 'wait');
      await restart(server);
      expect(await ended(server, executionId)).toMatchObject({
        status: 'completed',
        output: { status: 'timeout', paid: 12, by: [] },
      });
    },
    120_000,
  );
});
