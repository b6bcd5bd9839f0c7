// A server with a project in a process of its own, killed with -9 in the middle of a step: what was promised to be durable
// goes on, and what ran in memory leaves nothing half-written.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeFiles } from './project.fixture.ts';

const CLI = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

const ensemble = (name: string, more: string) => `name: ${name}
${more}trigger:
  - type: http
    path: /${name}
    methods: [POST]
    public: true
flow:
  - name: first
    agent: note
    input: { run: ${name}, what: first, secret: "\${env.SURVIVAL_SECRET}" }
  - name: second
    agent: note
    input: { run: ${name}, what: second, wait: true }
output:
  first: \${first.output.nonce}
  done: \${second.output.done}
`;

const FILES = {
  'agents/note/agent.yaml': 'name: note\noperation: code\nhandler: ./index.ts\ntimeout: 60000\n',
  // Notes each call in a file, and waits for another file where it is told to.
  'agents/note/index.ts': `import { appendFileSync, existsSync } from 'node:fs'
export default async ({ input, executionId, env }) => {
  if (input.what === 'first' && input.secret !== env.SURVIVAL_SECRET) throw new Error('no secret')
  const nonce = crypto.randomUUID()
  appendFileSync(input.run + '.notes', [input.what, executionId, nonce].join(' ') + '\\n')
  while (input.wait && !existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 10))
  return { nonce, done: true }
}
`,
  'ensembles/kept.yaml': ensemble('kept', 'durable: true\n').replace(
    '    public: true',
    '    public: true\n    async: true',
  ),
  'ensembles/light.yaml': ensemble('light', ''),
};

let directory: string;
let child: ChildProcess | undefined;
let url = '';
let printed = '';

/** Resolves when it answers. */
async function start(): Promise<void> {
  printed = '';
  const env = { ...process.env, SURVIVAL_SECRET: 'sk_survival_0123456789', NO_COLOR: '1' };
  const args = [CLI, 'dev', '--data', join(directory, 'data'), '--port', '0'];
  const started = spawn(process.execPath, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk));
  await expect
    .poll(() => /running at (http:\S+)/.exec(printed)?.[1] ?? (started.exitCode === null ? '' : printed), {
      timeout: 20_000,
      interval: 20,
    })
    .toMatch(/^http:/);
  url = /running at (http:\S+)/.exec(printed)?.[1] ?? '';
}

async function end(signal: NodeJS.Signals): Promise<void> {
  const ending = child;
  if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
  const ended = new Promise((resolve) => ending.once('exit', resolve));
  ending.kill(signal);
  await ended;
}

async function ask(path: string): Promise<{ status: number; text: string }> {
  const key = readFileSync(join(directory, 'data', 'local.key'), 'utf8').trim();
  const answer = await fetch(url + path, { headers: { 'x-api-key': key } });
  return { status: answer.status, text: await answer.text() };
}

const notes = (run: string): string[] => {
  const file = join(directory, `${run}.notes`);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};
const calls = (run: string, what: string) => notes(run).filter((line) => line.startsWith(`${what} `));

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'conductor-survival-'));
  writeFiles(directory, FILES);
});

afterAll(async () => {
  await end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

test('kill -9 in the middle of a step: a durable ensemble goes on from there, one in memory was never there', async () => {
  await start();
  const started = await fetch(`${url}/kept`, { method: 'POST' });
  expect(started.status).toBe(202);
  const { executionId } = JSON.parse(await started.text());
  // Its caller waits, and is cut off.
  const cutOff = fetch(`${url}/light`, { method: 'POST' }).then(
    () => 'answered',
    () => 'cut off',
  );
  await expect
    .poll(() => [calls('kept', 'second').length, calls('light', 'second').length], { timeout: 10_000 })
    .toEqual([1, 1]);
  await end('SIGKILL');
  expect(await cutOff).toBe('cut off');

  await start();
  const [, light = ''] = calls('light', 'first')[0]?.split(' ') ?? [];
  expect(light).toMatch(/^req_/);
  expect((await ask(`/api/workflow/${light}`)).status).toBe(404);
  expect((await ask(`/api/v1/executions/${light}`)).status).toBe(404);
  expect((await ask('/api/workflow/running/light')).text).toBe('[]');

  writeFileSync(join(directory, 'go'), '');
  await expect
    .poll(async () => JSON.parse((await ask(`/api/v1/executions/${executionId}`)).text).status, {
      timeout: 15_000,
      interval: 50,
    })
    .toBe('completed');
  const [, , nonce] = calls('kept', 'first')[0]?.split(' ') ?? [];
  expect(JSON.parse((await ask(`/api/v1/executions/${executionId}`)).text).output).toEqual({
    first: nonce,
    done: true,
  });
  // What was committed is not done again; what was under way is, once.
  expect([calls('kept', 'first').length, calls('kept', 'second').length]).toEqual([1, 2]);
  expect([calls('light', 'first').length, calls('light', 'second').length]).toEqual([1, 1]);
  const history = await ask(`/api/workflow/${executionId}`);
  expect(history.text).not.toContain('sk_survival_0123456789');
  await end('SIGTERM');
  expect(readFileSync(join(directory, 'kept.notes'), 'utf8')).toContain(executionId);
}, 90_000);
