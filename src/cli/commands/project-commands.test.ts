// The commands that look at a project without running it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeHost } from '../../runtime/node/cli-host.ts';
import { runCli, type Stage } from '../cli.fixture.ts';

const host = nodeHost();
let directory: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'conductor-init-')), 'My Shop');
});

afterEach(() => {
  rmSync(dirname(directory), { recursive: true });
});

const cli = (argv: readonly string[], stage: Stage = {}) =>
  runCli(argv, host, {
    ...stage,
    env: { CONDUCTOR_DATA: join(directory, 'data'), CONDUCTOR_PROJECT: directory, ...stage.env },
  });

function write(path: string, text: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

const BROKEN = 'name: broken\nflwo:\n  - agent: greet\n';

describe('init', () => {
  test('makes a project that is valid as it stands', async () => {
    const made = await cli(['init', directory, '--yes']);
    expect(made).toMatchObject({ exitCode: 0, err: '' });
    expect(made.out).toContain(`Next:\n  cd '${directory}'\n  npm install\n  npx conductor dev\n`);
    expect(await cli(['validate'])).toEqual({ exitCode: 0, out: '✓ 1 ensemble and 1 agent are valid\n', err: '' });
    const { dependencies, name } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    expect(name).toBe('my-shop');
    expect(dependencies).toEqual({ '@ensemble-edge/conductor': `file:${process.cwd()}` });
    const shown = JSON.parse((await cli(['config', 'show', '--json'])).out);
    expect(shown).toMatchObject({ name: 'my-shop', 'security.autoPermissions': true });
  });

  test('leaves files alone that are there, unless told to write over them', async () => {
    write('README.md', 'mine');
    const refused = await cli(['init', directory]);
    expect(refused).toMatchObject({ exitCode: 1, out: '' });
    expect(refused.err).toContain('is not empty');
    expect(readFileSync(join(directory, 'README.md'), 'utf8')).toBe('mine');
    expect((await cli(['init', directory, '--force'])).exitCode).toBe(0);
  });
});

describe('validate', () => {
  beforeEach(() => cli(['init', directory]));

  test('names file, line, column and the word that was meant', async () => {
    write('ensembles/broken.yaml', BROKEN);
    const printed = await cli(['validate']);
    expect(printed).toMatchObject({ exitCode: 1, out: '' });
    expect(printed.err).toMatch(/^ensembles\/broken\.yaml:2:1: error: .*flwo.*\n/m);
    expect(printed.err).toMatch(/flow/);
    const { problems, success } = JSON.parse((await cli(['validate', directory, '--json'])).out);
    expect(success).toBe(false);
    expect(problems[0].position).toEqual({ file: 'ensembles/broken.yaml', line: 2, column: 1 });
  });

  test('looks at one file alone where one is named', async () => {
    write('ensembles/broken.yaml', BROKEN);
    const file = join(directory, 'ensembles/hello.yaml');
    expect(await cli(['validate', file])).toEqual({ exitCode: 0, out: '✓ ensembles/hello.yaml is valid\n', err: '' });
    expect((await cli(['validate', join(directory, 'ensembles/broken.yaml')])).exitCode).toBe(1);
    expect((await cli(['validate', join(directory, 'ensembles/none.yaml')])).err).toContain('neither a project nor');
  });

  test('tells of a configuration and of handlers that do not load', async () => {
    write('agents/greet/index.ts', 'export const nothing = 1;');
    const handler = await cli(['validate']);
    expect(handler.exitCode).toBe(1);
    expect(handler.err).toMatch(
      /^agents\/greet\/agent\.yaml:\d+:\d+: error: agents\/greet\/index\.ts exports no function/,
    );
    write('conductor.config.ts', 'export default { auth: { requierAuth: true } };');
    expect((await cli(['validate'])).err).toBe(
      'conductor.config.ts:1:1: error: auth.requierAuth is not a setting. Did you mean `auth.requireAuth`?\n1 error\n',
    );
    write('conductor.config.ts', 'export default {\n  auth: {{\n};');
    expect((await cli(['validate'])).err).toMatch(
      /^conductor\.config\.ts:2:\d+: error: cannot be loaded: (?!.*conductor)/,
    );
  });

  test('names project and version, where the configuration has a version', async () => {
    write('conductor.config.ts', "export default { name: 'shop', version: '1.4.2' };");
    expect((await cli(['validate'])).out).toBe('✓ shop 1.4.2: 1 ensemble and 1 agent are valid\n');
    expect(JSON.parse((await cli(['validate', '--json'])).out)).toMatchObject({ success: true, project: 'shop 1.4.2' });
    expect((await cli(['config', 'show', '--origin'])).out).toMatch(/^version +"1\.4\.2" .*conductor\.config\.ts/m);
  });

  test('warns of environment variables that are not set, and of none that has a default', async () => {
    write('ensembles/note.yaml', 'name: note\nflow:\n  - agent: greet\n    input:\n      name: ${env.UNSET_HERE}\n');
    write('ensembles/more.yaml', "name: more\nflow:\n  - agent: greet\n    input:\n      name: ${env.UNSET ?? 'a'}\n");
    const printed = await cli(['validate']);
    expect(printed).toMatchObject({ exitCode: 0, out: '✓ 3 ensembles and 1 agent are valid\n' });
    expect(printed.err).toBe(
      'ensembles/note.yaml:5:13: warning: The environment variable UNSET_HERE is not set. Set it where the server runs.\n',
    );
    expect((await cli(['validate'], { env: { UNSET_HERE: 'x' } })).err).toBe('');
  });

  test('without a project says how to make one', async () => {
    const printed = await cli(['validate'], { env: { CONDUCTOR_PROJECT: join(directory, 'docs') } });
    expect(printed.exitCode).toBe(1);
    expect(printed.err).toContain('conductor init <directory>');
  });
});

describe('agents and ensembles', () => {
  beforeEach(() => cli(['init', directory]));

  test('are listed with what starts them', async () => {
    const ensembles = await cli(['ensembles', 'list']);
    expect(ensembles.out).toMatch(/^hello +1 +GET \/hello \(public\), GET \/hello\/:name \(any credential\) +Greets/m);
    expect((await cli(['agents', 'list'])).out).toMatch(/^greet +code +file +Says hello/m);
    const listed = JSON.parse((await cli(['agents', 'list', '--json'])).out);
    expect(listed).toContainEqual(expect.objectContaining({ name: 'fetch', origin: 'built-in' }));
  });

  test('are shown one by one; a name that is not there is met with the nearest', async () => {
    expect((await cli(['ensembles', 'info', 'hello'])).out).toContain('Steps:\n  greeting (greet)\n');
    expect((await cli(['agents', 'info', 'greet'])).out).toContain('Handler: agents/greet/index.ts\n');
    expect(JSON.parse((await cli(['agents', 'info', 'greet', '--json'])).out).operation).toBe('code');
    expect(await cli(['agents', 'info', 'great'])).toEqual({
      exitCode: 1,
      out: '',
      err: 'error: There is no agent great. Did you mean greet?\n',
    });
    expect((await cli(['ensembles', 'info', 'helo'])).err).toContain('Did you mean hello?');
  });
});

describe('config show', () => {
  test('says where each value comes from, and masks what is secret', async () => {
    write(
      'conductor.config.json',
      JSON.stringify({
        auth: { apiKeys: ['the-static-key'] },
        databases: { main: 'postgres://ada:s3cret@db.example/shop' },
        server: { port: 1 },
      }),
    );
    const env = { JWT_SECRET: 'the-jwt-secret', CONDUCTOR_PORT: '2', CONDUCTOR_HOST: '::1' };
    const { exitCode, out } = await cli(['config', 'show', '--origin', '--port', '3'], { env });
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^auth\.apiKeys +\["\*\*\*"\] +file:conductor\.config\.json$/m);
    expect(out).toMatch(/^auth\.jwt\.secret +"\*\*\*" +env:JWT_SECRET$/m);
    expect(out).toMatch(/^databases\.main +"postgres:\/\/ada@db\.example\/shop" +file/m);
    expect(out).toMatch(/^server\.port +3 +flag --port$/m);
    expect(out).toMatch(/^server\.host +"::1" +env:CONDUCTOR_HOST$/m);
    expect(out).toMatch(/^auth\.requireAuth +true +default$/m);
    for (const secret of ['the-static-key', 'the-jwt-secret', 's3cret']) expect(out).not.toContain(secret);
    const json = JSON.parse((await cli(['config', 'show', '--origin', '--json'], { env })).out);
    expect(json['server.port']).toEqual({ value: 2, origin: 'env:CONDUCTOR_PORT' });
  });

  test('a configuration that cannot be used is an error in one line', async () => {
    write('conductor.config.ts', 'export default { auth: { apiKeys: [process.env.NOT_SET_ANYWHERE] } };');
    expect(await cli(['config', 'show'])).toEqual({
      exitCode: 1,
      out: '',
      err: 'error: conductor.config.ts: auth.apiKeys[0] is undefined: is an environment variable unset?\n',
    });
    for (const command of ['start', 'dev', 'doctor']) expect((await cli([command])).exitCode).toBe(1);
  });
});

describe('doctor', () => {
  test('finds a fresh project in order', async () => {
    await cli(['init', directory]);
    const { exitCode, out } = await cli(['doctor']);
    expect(out).toContain('✓ Configuration: conductor.config.ts\n✓ Authentication: on\n');
    expect(out).toContain('✓ Handlers: 1 load\n');
    expect(exitCode).toBe(0);
  });

  test('names what is wrong: authentication off, broken files and handlers, variables that are not set', async () => {
    await cli(['init', directory]);
    write('conductor.config.ts', 'export default { auth: { requireAuth: false } };');
    write('agents/greet/index.ts', 'export default 1;');
    write('ensembles/broken.yaml', BROKEN);
    write('ensembles/note.yaml', 'name: note # ${env.NOBODY_SETS_THIS}\nflow:\n  - agent: greet\n');
    const { exitCode, out } = await cli(['doctor']);
    expect(exitCode).toBe(1);
    expect(out).toContain('✗ Authentication: OFF');
    expect(out).toMatch(/✗ Project: \d errors?/);
    expect(out).toContain('✗ Handlers: agents/greet/index.ts exports no function');
    expect(out).toContain('✗ Environment: not set: NOBODY_SETS_THIS');
  });
});
