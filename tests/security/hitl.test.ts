// Approvals as a user of the server meets them: a project's files in, HTTP out. Nobody approves who was not asked, nothing
// counts twice, and what was asked goes on exactly as it was answered.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalTokens } from '../../src/operations/hitl/approval-tokens.ts';
import { approvalSecretOf } from '../../src/runtime/node/secret-files.ts';
import { openSite, type Site } from './project.fixture.ts';

const MASTER_KEY = new Uint8Array(32).fill(7);

const config = (extra: string) => `
name: NAME
flow:
  - name: prepare
    agent: echo
    input: { total: '\${input.amount}' }
  - name: approval
    agent: hitl
    config:
      title: Pay \${input.amount}?
${extra}
  - name: pay
    agent: echo
    when: \${approval.output.approved}
    input: { paid: '\${prepare.output.echo.total}', note: '\${approval.output.feedback}' }
output:
  approved: \${approval.output.approved}
  status: \${approval.output.status}
  paid: \${pay.output.echo.paid}
  skipped: \${pay.skipped}
`;
const ensemble = (name: string, extra = '') => ({
  [`ensembles/${name}.yaml`]: config(extra).replace('NAME', name),
});

let site: Site;
let hook: Server;
let ann = '';
let bob = '';
let eve = '';
const notices: Notice[] = [];
let hookFails = 0;

interface Notice {
  readonly executionId: string;
  readonly title: string;
  readonly links: readonly { readonly approver: string; readonly url: string }[];
}
interface Answer {
  readonly status: string;
  readonly executionId: string;
  readonly step: string;
  readonly taskId: string;
  readonly code: string;
  readonly message: string;
  readonly output: unknown;
  readonly approvals: readonly Record<string, unknown>[];
}

beforeAll(async () => {
  hook = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (hookFails > 0) {
      hookFails -= 1;
      response.writeHead(500).end();
      return;
    }
    notices.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.end();
    hook.emit('notice');
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  const address = hook.address();
  const hookUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  process.env.HITL_TEST_HOOK = hookUrl;
  site = await openSite(
    {
      ...ensemble('one', '      approvers: [ann, bob]'),
      ...ensemble('two', '      approvers: [ann, bob]\n      minApprovals: 2'),
      ...ensemble('many', `      approvers: '\${input.approvers}'\n      minApprovals: 10`),
      ...ensemble('short', '      approvers: [ann]\n      timeout: 300\n      onTimeout: approve'),
      ...ensemble('strict', '      approvers: [ann]\n      timeout: 300\n      onTimeout: fail'),
      ...ensemble('anybody'),
      ...ensemble(
        'told',
        `      approvers: [ann, bob]
      notificationChannel: webhook
      notificationConfig: { webhookUrl: '\${env.HITL_TEST_HOOK}/hook' }`,
      ),
      'ensembles/large.yaml': `name: large
flow:
  - agent: hitl
    id: approval
    when: \${input.amount > 10}
    config: { approvers: [ann] }
  - agent: echo
    id: pay
    when: \${approval.skipped || approval.output.approved}
    input: { paid: '\${input.amount}' }
output: { asked: '\${approval.executed}', paid: '\${pay.output.echo.paid}' }
`,
      'agents/boss/agent.yaml': 'name: boss\noperation: hitl\nconfig:\n  approvers: [ann]\n',
      'ensembles/house.yaml': 'name: house\nflow:\n  - agent: boss\n    name: approval\n',
      'ensembles/again.yaml': `name: again
trigger:
  - type: http
    path: /resume/:token
    methods: [GET, POST]
    public: true
    mode: resume
flow:
  - agent: echo
`,
      'conductor.config.ts': `export default { name: 'hitl', security: { autoPermissions: true } };`,
    },
    { masterKey: Buffer.from(MASTER_KEY).toString('base64'), allowOrigins: [hookUrl] },
  );
  const named = async (name: string, ...permissions: string[]) =>
    (await site.server.access.generateKey({ name, permissions, expiresMs: 0 })).key;
  ann = await named('ann', 'nothing:at:all');
  bob = await named('bob', 'nothing:at:all');
  eve = await named('eve', 'ensemble:*:read', 'task:*:update', 'workflow:*:read');
}, 60_000);

afterAll(() => {
  hook.closeAllConnections();
  hook.close();
  delete process.env.HITL_TEST_HOOK;
});

const as = (key: string) => ({ 'x-api-key': key });
const operator = () => as(site.server.localKey);

async function answerOf(response: Response): Promise<Answer> {
  return JSON.parse(await response.text());
}

async function suspended(name: string, input: object = { amount: 12 }): Promise<Answer> {
  const response = await site.post(`/api/v1/execute/ensemble/${name}`, { input }, operator());
  expect(response.status).toBe(202);
  const answer = await answerOf(response);
  expect(answer.status).toBe('suspended');
  expect(response.headers.get('location')).toBe(`/api/v1/executions/${answer.executionId}`);
  return answer;
}

const vote = (id: string, key: string, body: object, step = 'approval') =>
  site.post(`/api/v1/executions/${id}/approvals/${step}`, body, as(key));

/** Once it has ended. */
async function ended(id: string): Promise<Answer> {
  for (let look = 0; look < 400; look += 1) {
    const answer = await answerOf(await site.get(`/api/v1/executions/${id}`, operator()));
    if (answer.status !== 'running') return answer;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${id} did not end`);
}

const tokenFor = (taskId: string, approver: string) =>
  new ApprovalTokens(approvalSecretOf(MASTER_KEY)).issue(taskId, approver);
const callback = (token: string, body: object) => site.post(`/callback/${token}`, body);

describe('an ensemble with an approval', () => {
  it('is suspended with 202, shows what it waits for, goes on when approved, and gives its output', async () => {
    const { executionId, step } = await suspended('one');
    expect(step).toBe('approval');
    const asked = await answerOf(await site.get(`/api/v1/executions/${executionId}/approvals`, as(ann)));
    expect(asked.approvals).toMatchObject([
      {
        step: 'approval',
        status: 'pending',
        title: 'Pay 12?',
        approvers: ['ann', 'bob'],
        minApprovals: 1,
        approvals: [],
      },
    ]);
    expect(await answerOf(await vote(executionId, ann, { decision: 'approve', feedback: 'fine' }))).toEqual({
      success: true,
      status: 'approved',
      executionId,
    });
    const result = await ended(executionId);
    expect(result).toMatchObject({
      status: 'completed',
      output: { approved: true, status: 'approved', paid: 12 },
    });
    const after = await answerOf(await site.get(`/api/v1/executions/${executionId}/approvals`, operator()));
    expect(after.approvals).toEqual([]);
  });

  it('goes on as rejected by the first who rejects', async () => {
    const { executionId } = await suspended('two');
    expect(await answerOf(await vote(executionId, bob, { decision: 'reject', feedback: 'no' }))).toMatchObject({
      status: 'rejected',
    });
    expect(await ended(executionId)).toMatchObject({
      status: 'completed',
      output: { approved: false, status: 'rejected', skipped: true },
    });
  });

  it('waits for as many as minApprovals says, and counts nobody twice', async () => {
    const { executionId } = await suspended('two');
    for (const _ of [1, 2]) {
      expect(await answerOf(await vote(executionId, ann, { approved: true }))).toMatchObject({ status: 'pending' });
    }
    expect((await vote(executionId, ann, { decision: 'reject' })).status).toBe(409);
    expect(await answerOf(await vote(executionId, bob, { decision: 'approve' }))).toMatchObject({ status: 'approved' });
    expect(await ended(executionId)).toMatchObject({ output: { paid: 12 } });
  });

  it('counts ten votes at once as ten', async () => {
    const approvers = Array.from({ length: 10 }, (_, at) => `person-${at}`);
    const { executionId, taskId } = await suspended('many', { amount: 1, approvers });
    const answers = await Promise.all(
      approvers.map(async (approver) => answerOf(await callback(tokenFor(taskId, approver), { approved: true }))),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      'approved',
      ...Array.from({ length: 9 }, () => 'pending'),
    ]);
    expect(await ended(executionId)).toMatchObject({ output: { paid: 1 } });
  });

  it('takes silence as it was told: approve, or fail', async () => {
    const [approved, failed] = await Promise.all([suspended('short'), suspended('strict')]);
    expect(await ended(approved.executionId)).toMatchObject({
      status: 'completed',
      output: { approved: true, status: 'timeout', paid: 12 },
    });
    expect(await ended(failed.executionId)).toMatchObject({ status: 'failed' });
    expect((await vote(approved.executionId, ann, { decision: 'reject' })).status).toBe(409);
    expect((await callback(tokenFor(failed.taskId, 'ann'), { approved: true })).status).toBe(409);
  });

  it('takes no vote once it has been cancelled', async () => {
    const { executionId, taskId } = await suspended('one');
    expect((await site.post(`/api/v1/executions/${executionId}/cancel`, {}, operator())).status).toBe(200);
    expect((await vote(executionId, ann, { decision: 'approve' })).status).toBe(409);
    expect((await callback(tokenFor(taskId, 'ann'), { approved: true })).status).toBe(409);
    const asked = await answerOf(await site.get(`/callback/${tokenFor(taskId, 'ann')}`));
    expect(asked.status).toBe('cancelled');
  });

  it('is not asked for where its condition is false', async () => {
    const small = { input: { amount: 5 } };
    const answer = await site.post('/api/v1/execute/ensemble/large', small, operator());
    expect(answer.status).toBe(200);
    expect((await answerOf(answer)).output).toEqual({ asked: false, paid: 5 });
    const { executionId } = await suspended('large');
    expect(await answerOf(await vote(executionId, ann, { decision: 'approve' }))).toMatchObject({ status: 'approved' });
    expect(await ended(executionId)).toMatchObject({ output: { asked: true, paid: 12 } });
  });

  it('may use an agent of the project with the operation hitl', async () => {
    const { executionId } = await suspended('house');
    expect((await vote(executionId, bob, { decision: 'approve' })).status).toBe(404);
    expect(await answerOf(await vote(executionId, ann, { decision: 'approve' }))).toMatchObject({ status: 'approved' });
    expect(await ended(executionId)).toMatchObject({ status: 'completed' });
  });
});

describe('who may decide', () => {
  it('is not who may see it only (403), nor a stranger (404), nor nobody (401); not even the operator', async () => {
    const { executionId } = await suspended('one');
    expect((await vote(executionId, eve, { decision: 'approve' })).status).toBe(403);
    expect((await vote(executionId, site.server.localKey, { decision: 'approve' })).status).toBe(403);
    const stranger = await site.key('ensemble:other:read');
    const refused = await vote(executionId, stranger, { decision: 'approve' });
    expect(refused.status).toBe(404);
    const unknown = await vote('req_00000000000000000000000000000000', stranger, { decision: 'approve' });
    expect((await answerOf(refused)).code).toBe((await answerOf(unknown)).code);
    expect(
      (await site.post(`/api/v1/executions/${executionId}/approvals/approval`, { decision: 'approve' })).status,
    ).toBe(401);
    expect((await site.get(`/api/v1/executions/${executionId}/approvals`, as(stranger))).status).toBe(404);
    expect((await vote(executionId, ann, { decision: 'approve' }, 'prepare')).status).toBe(404);
    expect((await vote(executionId, ann, { decision: 'perhaps' })).status).toBe(400);
    expect((await vote(executionId, ann, {})).status).toBe(400);
  });

  it('is who has the permission, where nobody is named', async () => {
    const { executionId } = await suspended('anybody');
    expect((await vote(executionId, eve, { decision: 'approve' })).status).toBe(403);
    expect((await vote(executionId, ann, { decision: 'approve' })).status).toBe(404);
    const other = await site.key('ensemble:one:approve');
    expect((await vote(executionId, other, { decision: 'approve' })).status).toBe(404);
    const granted = await site.key('ensemble:anybody:approve');
    expect(await answerOf(await vote(executionId, granted, { decision: 'approve' }))).toMatchObject({
      status: 'approved',
    });
    expect(await ended(executionId)).toMatchObject({ status: 'completed' });
  });

  it('is nobody who may merely update tasks', async () => {
    const { executionId, taskId } = await suspended('one');
    const forged = { taskId, workflowInstanceId: executionId, status: 'COMPLETED', outputData: { approved: true } };
    const output = { approved: true };
    for (const key of [eve, site.server.localKey]) {
      const answers = await Promise.all([
        site.post('/api/tasks', forged, as(key)),
        site.post('/api/tasks', { ...forged, status: 'FAILED' }, as(key)),
        site.post('/api/tasks', { ...forged, status: 'IN_PROGRESS' }, as(key)),
        site.post('/api/tasks/update-v2', forged, as(key)),
        site.post(`/api/tasks/${executionId}/approval/COMPLETED`, output, as(key)),
        site.post(`/api/tasks/${executionId}/approval/COMPLETED/sync`, output, as(key)),
      ]);
      for (const answer of answers) {
        expect(answer.status).toBe(409);
        expect((await answerOf(answer)).message).toContain('decided by its approvers');
      }
    }
    const polled = await site.get('/api/tasks/poll/APPROVAL', operator());
    expect(polled.status).toBe(204);
    expect(await answerOf(await site.get(`/api/v1/executions/${executionId}`, operator()))).toMatchObject({
      status: 'running',
    });
    const asked = await answerOf(await site.get(`/api/v1/executions/${executionId}/approvals`, operator()));
    expect(asked.approvals).toMatchObject([{ status: 'pending', approvals: [] }]);
  });

  it('cannot be the agent alone: hitl is a step, and says so with 400', async () => {
    const answer = await site.post('/api/v1/execute/agent/hitl', { input: {} }, operator());
    expect(answer.status).toBe(400);
    expect((await answerOf(answer)).message).toContain('as a step of an ensemble only');
  });
});

describe('a link', () => {
  it('is good for one vote, is not voted with by looking, and shows what became of it', async () => {
    const { executionId, taskId } = await suspended('two');
    const token = tokenFor(taskId, 'ann');
    for (const _ of [1, 2]) {
      const looked = await site.get(`/callback/${token}?approved=true&decision=approve`);
      expect(looked.headers.get('cache-control')).toBe('no-store');
      expect(await answerOf(looked)).toMatchObject({
        status: 'pending',
        approver: 'ann',
        title: 'Pay 12?',
        executionId,
      });
    }
    const answers = await Promise.all(Array.from({ length: 10 }, () => callback(token, { approved: true })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
    expect((await answerOf(await site.get(`/callback/${token}`))).status).toBe('voted');
    expect(await answerOf(await callback(tokenFor(taskId, 'bob'), { decision: 'approve' }))).toMatchObject({
      status: 'approved',
    });
    expect((await callback(token, { approved: true })).status).toBe(409);
    expect((await answerOf(await site.get(`/callback/${token}`))).status).toBe('approved');
  });

  it('that we did not make, or made for somebody else, decides nothing', async () => {
    const { executionId, taskId } = await suspended('one');
    const token = tokenFor(taskId, 'ann');
    const forged = new ApprovalTokens(new Uint8Array(32)).issue(taskId, 'ann');
    for (const bad of [forged, `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`, 'x', `${token}0`]) {
      expect((await callback(bad, { approved: true })).status).toBe(404);
      expect((await site.get(`/callback/${bad}`)).status).toBe(404);
    }
    expect((await callback(tokenFor(taskId, 'eve'), { approved: true })).status).toBe(403);
    expect((await callback(token, { feedback: 'nothing said' })).status).toBe(400);
    expect((await callback(token, { decision: 'approve', approved: false })).status).toBe(400);
    expect(await answerOf(await site.get(`/api/v1/executions/${executionId}`, operator()))).toMatchObject({
      status: 'running',
    });
  });

  it('opens a page with a form in a browser, that shows data as data and runs nothing', async () => {
    const { taskId, executionId } = await suspended('one', { amount: '<script>alert(1)</script>' });
    const token = tokenFor(taskId, 'ann');
    const browser = { accept: 'text/html,application/xhtml+xml' };
    const opened = await site.get(`/callback/${token}`, browser);
    expect(opened.headers.get('content-type')).toContain('text/html');
    expect(opened.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await opened.text();
    expect(page).toContain('<form method="post">');
    expect(page).not.toContain('<script');
    const [, style = ''] = /<style>([^<]*)<\/style>/.exec(page) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(opened.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}';`);
    expect(page).toMatch(/Open until <time datetime="[^"]+">\d+ \w+ \d{4} at \d\d:\d\d UTC<\/time>/);
    const form = { ...browser, 'content-type': 'application/x-www-form-urlencoded' };
    const sent = await site.post(`/callback/${token}`, 'decision=reject&feedback=too+much', form);
    expect(await sent.text()).toContain('It has been rejected');
    const again = await site.post(`/callback/${token}`, 'decision=reject', form);
    expect(again.status).toBe(409);
    expect(again.headers.get('content-type')).toContain('text/html');
    expect(await ended(executionId)).toMatchObject({ output: { status: 'rejected' } });
  });

  it('works under the legacy paths', async () => {
    const first = await suspended('one');
    const path = (taskId: string) => `/api/v1/executions/hitl/${tokenFor(taskId, 'ann')}`;
    expect(await answerOf(await site.get(`${path(first.taskId)}/status`))).toMatchObject({ status: 'pending' });
    expect(await answerOf(await site.post(`${path(first.taskId)}/approve`, { feedback: 'ok' }))).toMatchObject({
      status: 'approved',
    });
    const second = await suspended('one');
    expect(await answerOf(await site.post(`${path(second.taskId)}/reject`, { reason: 'no' }))).toMatchObject({
      status: 'rejected',
    });
  });

  it('resumes by a trigger with mode: resume, by POST only', async () => {
    const { taskId, executionId } = await suspended('house');
    const token = tokenFor(taskId, 'ann');
    expect((await site.get(`/resume/${token}?approved=true`)).status).toBe(405);
    const done = await site.post(`/resume/${token}`, { approved: true });
    expect(done.status).toBe(200);
    expect(await done.json()).toMatchObject({ status: 'approved', approved: true });
    expect((await site.post(`/resume/${token}`, { approved: true })).status).toBe(409);
    expect(await ended(executionId)).toMatchObject({ status: 'completed' });
  });

  it('goes to the webhook for each approver, once, also when the webhook fails at first', async () => {
    hookFails = 1;
    const { executionId, taskId } = await suspended('told');
    while (!notices.some((notice) => notice.executionId === executionId)) await once(hook, 'notice');
    const [notice] = notices.filter((one) => one.executionId === executionId);
    expect(notice?.title).toBe('Pay 12?');
    expect(notice?.links.map(({ approver }) => approver)).toEqual(['ann', 'bob']);
    const [link] = notice?.links ?? [];
    expect(link?.url.startsWith(`${site.url}/callback/`)).toBe(true);
    for (let look = 0; look < 200; look += 1) {
      const found = await site.server.store.reads.taskById(taskId);
      if (found?.task.output.object.notifiedAt !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const stored = await site.server.store.reads.run(executionId, true);
    const kept = (stored?.tasks ?? []).map(({ input, output }) => input.text + output.text).join();
    expect(kept).toContain('notifiedAt');
    expect(kept).not.toContain('cnd_apr_');
    expect(kept).not.toContain(process.env.HITL_TEST_HOOK);
    const voted = await fetch(link?.url ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ approved: true }),
    });
    expect(await voted.json()).toMatchObject({ status: 'approved' });
    expect(await ended(executionId)).toMatchObject({ output: { paid: 12 } });
    expect(notices.filter((one) => one.executionId === executionId)).toHaveLength(1);
  });
});

describe('a project with approvals', () => {
  it('may read secrets for the notification only: elsewhere they would be shown to those who decide', async () => {
    const other = await openSite({
      'ensembles/a.yaml': "name: a\nflow:\n  - agent: hitl\n    config: { title: '${env.SECRET}' }\n",
      'ensembles/b.yaml': "name: b\nflow:\n  - agent: hitl\n    input: { a: '${env.SECRET}' }\n",
      'ensembles/c.yaml': 'name: c\nflow:\n  - agent: hitl\n    config: { approvers: [a], minApprovals: 2 }\n',
      'agents/boss/agent.yaml': "name: boss\noperation: hitl\nconfig: { title: '${input.x}' }\n",
      'ensembles/d.yaml': 'name: d\nflow:\n  - agent: boss\n',
    });
    const faults = other.server.project().problems.map(({ position, message }) => `${position.file} ${message}`);
    expect(faults.filter((one) => one.startsWith('ensembles/a.yaml')).join()).toContain(
      '`env` cannot be read in `config.title`',
    );
    expect(faults.filter((one) => one.startsWith('ensembles/b.yaml')).join()).toContain('`env` cannot be read here');
    expect(faults.filter((one) => one.startsWith('ensembles/c.yaml')).join()).toContain(
      'more than there are approvers',
    );
    expect(faults.filter((one) => one.startsWith('ensembles/d.yaml')).join()).toContain('reads data in `title`');
    await other.close();
  });
});
