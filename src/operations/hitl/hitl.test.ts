import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConductor, type TestConductor } from '../../http/routes/conductor/conductor.fixture.ts';
import { vote } from '../../model/approval-vote.ts';
import { AppError } from '../../model/error.ts';
import { Json, type JsonObject } from '../../model/json.ts';
import { openBench } from '../testing/operation-context.ts';
import { ApprovalTokens } from './approval-tokens.ts';
import { HITL_AGENT, hitlConfigSchema, hitlOperation } from './hitl-agent.ts';
import { notifyApprovers } from './notify-approvers.ts';

const tokens = new ApprovalTokens(new Uint8Array(32).fill(1));

describe('votes on a real server', () => {
  let conductor: TestConductor;
  beforeAll(async () => {
    conductor = await openConductor();
  });
  afterAll(() => conductor.stop());

  async function suspended(name: string, config: JsonObject): Promise<{ runId: string; taskId: string }> {
    const task = {
      name: 'hitl',
      taskReferenceName: 'ask',
      type: 'APPROVAL',
      inputParameters: { agent: 'hitl', input: {}, config },
    };
    await conductor.call('POST', '/api/metadata/workflow', {
      name,
      version: 1,
      tasks: [task],
      ownerEmail: 'a@b.example',
    });
    const started = await conductor.call('POST', `/api/workflow/${name}`, {});
    const runId = started.text;
    const run = await conductor.store.reads.run(runId, true);
    return { runId, taskId: run?.tasks[0]?.id ?? 'none' };
  }

  /** What a callback route does with a token. */
  async function decideBy(token: string): Promise<string> {
    const read = tokens.read(token);
    if (!read) return 'invalid_credential';
    try {
      const task = await conductor.orchestrator.decideTask(read.taskId, (open, _run, now) => {
        const ruling = vote(open, { approver: read.approver, decision: 'approve', once: true }, now);
        if ('refused' in ruling) throw new AppError(ruling.refused, ruling.message);
        return { status: ruling.status, output: Json.of(ruling.output), reason: null };
      });
      return task.status;
    } catch (error) {
      if (error instanceof AppError) return error.code;
      throw error;
    }
  }

  it('all count, however many arrive at once', async () => {
    const approvers = Array.from({ length: 20 }, (_, at) => `approver-${at}`);
    const { runId, taskId } = await suspended('many', { approvers, minApprovals: 20 });
    const answers = await Promise.all(approvers.map((approver) => decideBy(tokens.issue(taskId, approver))));
    expect(answers.toSorted()).toEqual(['COMPLETED', ...Array.from({ length: 19 }, () => 'IN_PROGRESS')]);
    const run = await conductor.store.reads.run(runId, true);
    expect(run?.run.status).toBe('COMPLETED');
    expect(run?.run.output.object).toMatchObject({ status: 'approved', approved: true });
    expect(run?.run.output.object.approvals).toHaveLength(20);
  });

  it('by a token count once, also when it is sent ten times at once, and not after the end', async () => {
    const { taskId } = await suspended('once', { approvers: ['ann', 'bob'], minApprovals: 2 });
    const ann = tokens.issue(taskId, 'ann');
    const answers = await Promise.all(Array.from({ length: 10 }, () => decideBy(ann)));
    expect(answers.filter((answer) => answer === 'IN_PROGRESS')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'conflict')).toHaveLength(9);
    const bob = tokens.issue(taskId, 'bob');
    expect(await decideBy(bob)).toBe('COMPLETED');
    expect(await decideBy(bob)).toBe('conflict');
    expect(await decideBy(tokens.issue(taskId, 'eve'))).toBe('forbidden');
    expect(await decideBy(`${bob.slice(0, -1)}x`)).toBe('invalid_credential');
  });
});

describe('the hitl agent', () => {
  const isValid = (config: unknown) => hitlConfigSchema.safeParse(config).success;

  it('takes who decides, how many, how long, and what silence means', () => {
    expect(hitlConfigSchema.parse({})).toEqual({ minApprovals: 1, timeout: 86_400_000, onTimeout: 'reject' });
    expect(
      isValid({
        approvers: ['a', 'b'],
        minApprovals: 2,
        timeout: 1000,
        onTimeout: 'approve',
        title: 'T',
        description: 'D',
      }),
    ).toBe(true);
    expect(isValid({ approvers: '${input.approvers}', timeout: '{{ input.timeout }}' })).toBe(true);
  });

  it.each([
    { approvers: ['a'], minApprovals: 2 },
    { approvers: 'a' },
    { minApprovals: 0 },
    { timeout: '1h' },
    { onTimeout: 'escalate' },
    { approver: ['a'] },
    { notificationChannel: 'webhook' },
    {
      notificationChannel: 'slack',
      notificationConfig: { webhookUrl: 'https://a.example', baseUrl: 'https://b.example' },
    },
  ])('refuses %j when the project loads', (config) => expect(isValid(config)).toBe(false));

  it('has no work of its own', async () => {
    expect(HITL_AGENT.operation).toBe(hitlOperation.name);
    const bench = openBench();
    expect(() => hitlOperation.run(bench.context({}))).toThrow('step of an ensemble');
    await bench.close();
  });
});

describe('the approval webhook', () => {
  it('is told what is asked, with one link that works for each approver', async () => {
    const bodies: JsonObject[] = [];
    let status = 200;
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const notificationConfig = { webhookUrl: `http://127.0.0.1:${port}/hook`, baseUrl: 'https://conductor.example/' };
    const config = { approvers: ['ann', 'bob'], title: 'Pay?', notificationChannel: 'webhook', notificationConfig };
    const asked = { executionId: 'req_1', taskId: 't-1', input: { config }, output: { expiresAt: 5 } };
    expect(await notifyApprovers(asked, tokens, fetch, 'http://unused.example')).toBe(true);
    const [notice] = bodies;
    expect(notice).toMatchObject({ type: 'approval.requested', executionId: 'req_1', title: 'Pay?', expiresAt: 5 });
    const links = JSON.parse(JSON.stringify(notice?.links));
    expect(links.map((link: { approver: string }) => link.approver)).toEqual(['ann', 'bob']);
    for (const { approver, url } of links) {
      expect(url.startsWith('https://conductor.example/callback/cnd_apr_')).toBe(true);
      expect(tokens.read(url.split('/').at(-1))).toEqual({ taskId: 't-1', approver });
    }
    status = 500;
    await expect(notifyApprovers(asked, tokens, fetch, 'http://unused.example')).rejects.toThrow('answered 500');
    expect(await notifyApprovers({ ...asked, input: { config: {} } }, tokens, fetch, 'http://unused.example')).toBe(
      false,
    );
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
});
