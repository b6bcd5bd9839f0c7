// The commands that run a project: `exec` in this process and at a server, `dev` with its reload, and the keys between.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeHost } from '../../runtime/node/cli-host.ts';
import { runCli, type Stage } from '../cli.fixture.ts';

const host = nodeHost();
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'conductor-run-'));
  expect((await cli(['init', directory])).exitCode).toBe(0);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const cli = (argv: readonly string[], stage: Stage = {}) =>
  runCli(argv, host, {
    ...stage,
    env: { CONDUCTOR_DATA: join(directory, 'data'), CONDUCTOR_PROJECT: directory, ...stage.env },
  });

const edit = (path: string, from: string, to: string) => {
  const file = join(directory, path);
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
};

describe('exec', () => {
  test('runs an ensemble in this process; input comes from -i, a file or standard input', async () => {
    const expected = { exitCode: 0, err: '', out: '{\n  "message": "Hello, Ada!"\n}\n' };
    expect(await cli(['exec', 'hello', '-i', '{"name":"Ada"}'])).toEqual(expected);
    writeFileSync(join(directory, 'input.json'), '{"name":"Ada"}');
    expect(await cli(['exec', 'hello', '-f', join(directory, 'input.json')])).toEqual(expected);
    expect(await cli(['exec', 'hello'], { stdin: '{"name":"Ada"}' })).toEqual(expected);
    expect((await cli(['exec', 'hello'])).out).toContain('Hello, world!');
    const { metadata, output, success } = JSON.parse((await cli(['exec', 'hello', '--json'])).out);
    expect({ output, success }).toEqual({ success: true, output: { message: 'Hello, world!' } });
    expect(metadata.executionId).toMatch(/^req_[0-9a-f]{32}$/);
  });

  test('runs an agent on its own', async () => {
    const { exitCode, out } = await cli(['exec', 'greet', '--agent', '-i', '{"name":"Bob"}', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ success: true, data: { message: 'Hello, Bob!' } });
  });

  test('a failure is told on stderr, with exit code 1; a wrong command line with 2', async () => {
    edit('agents/greet/index.ts', 'return', "throw new Error('no greeting today'); return");
    const failed = await cli(['exec', 'hello']);
    expect(failed).toMatchObject({ exitCode: 1, out: '' });
    expect(failed.err).toContain('no greeting today');
    expect((await cli(['exec', 'helo'])).err).toBe('error: There is no ensemble helo. Did you mean hello?\n');
    edit('ensembles/hello.yaml', 'public: false', 'auth:\n      type: bearer\n      secret: ${env.UNSET_SECRET}');
    expect((await cli(['exec', 'helo'])).err).toMatch(
      /Did you mean hello\?\nThe project has errors, the first at ensembles\/hello\.yaml:\d+:\d+: .*UNSET_SECRET/,
    );
    expect((await cli(['exec', 'hello', '-i', '{'])).err).toContain('The input (-i) is not valid JSON');
    expect((await cli(['exec', 'hello', '-i', '[]'])).err).toContain('must be a JSON object');
    expect((await cli(['exec', 'hello', '-i', '{}', '-f', 'x'])).exitCode).toBe(2);
    expect((await cli(['exec', 'hello', '-c', '{}'])).exitCode).toBe(2);
    expect((await cli(['exec', 'hello', '--remote'])).err).toContain('No server is running here');
  });
});

describe('dev', () => {
  test('S9: serves the project: public to anybody, the rest and the execute API to a generated key', async () => {
    const look = async (out: string) => {
      const url = /running at (\S+)/.exec(out)?.[1] ?? '';
      expect(await (await fetch(`${url}/hello?name=Ada`)).json()).toEqual({ message: 'Hello, Ada!' });
      expect((await fetch(`${url}/hello/Ada`)).status).toBe(401);
      const permissions = ['--permissions', 'ensemble:hello:execute'];
      const { key } = JSON.parse((await cli(['keys', 'generate', '--name', 'svc', ...permissions, '--json'])).out);
      const headers = { 'x-api-key': key, 'content-type': 'application/json' };
      expect((await fetch(`${url}/hello/Ada`, { headers })).status).toBe(200);
      const execute = `${url}/api/v1/execute/ensemble/hello`;
      expect((await fetch(execute, { method: 'POST', body: '{}' })).status).toBe(401);
      const answer = await fetch(execute, { method: 'POST', headers, body: '{"input":{"name":"Eve"}}' });
      expect(await answer.json()).toMatchObject({ success: true, output: { message: 'Hello, Eve!' } });
      const remote = await cli(['exec', 'hello', '-i', '{"name":"Zoe"}', '--url', url, '--api-key', key]);
      expect(remote).toEqual({ exitCode: 0, err: '', out: '{\n  "message": "Hello, Zoe!"\n}\n' });
      expect((await cli(['exec', 'greet', '--agent', '--url', url, '--api-key', key])).exitCode).toBe(1);
      // The server holds the data directory: this one goes elsewhere, and works all the same.
      expect((await cli(['exec', 'hello'])).out).toContain('Hello, world!');
    };
    const { err, exitCode } = await cli(['dev', '--port', '0'], { whileRunning: look });
    expect(err).not.toContain('error:');
    expect(exitCode).toBe(0);
  });

  test('tells what is wrong with the project once', async () => {
    edit('ensembles/hello.yaml', 'flow:', 'flwo:');
    const { err, exitCode } = await cli(['dev', '--port', '0']);
    expect(exitCode).toBe(0);
    expect(err.match(/flwo/g)).toHaveLength(1);
    expect(err).toMatch(/^ensembles\/hello\.yaml:\d+:\d+: error: .*flwo/m);
    const env = { CONDUCTOR_MASTER_KEY: Buffer.alloc(32, 3).toString('base64') };
    const started = await cli(['start', '--port', '0'], { env });
    expect(started).toMatchObject({ exitCode: 1, out: '' });
    expect(started.err.match(/flwo/g)).toHaveLength(1);
  });

  test('reloads when files change, and keeps the last good project', async () => {
    const look = async (out: string, printed: (text: string) => Promise<void>) => {
      const url = /running at (\S+)/.exec(out)?.[1] ?? '';
      const greeting = async () => JSON.parse(await (await fetch(`${url}/hello`)).text()).message;
      expect(await greeting()).toBe('Hello, world!');
      let told = printed('Project reloaded');
      edit('agents/greet/index.ts', 'Hello', 'Good morning');
      await told;
      expect(await greeting()).toBe('Good morning, world!');
      told = printed('the project from before is still in use');
      edit('ensembles/hello.yaml', 'flow:', 'flwo:');
      await told;
      expect(await greeting()).toBe('Good morning, world!');
      told = printed('Project reloaded');
      edit('ensembles/hello.yaml', 'flwo:', 'flow:');
      await told;
      expect(await greeting()).toBe('Good morning, world!');
    };
    const { err, exitCode } = await cli(['dev', '--port', '0'], { whileRunning: look });
    expect(exitCode).toBe(0);
    expect(err).toMatch(/^ensembles\/hello\.yaml:\d+:\d+: error: /m);
  });
});
