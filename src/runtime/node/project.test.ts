// A project on disk: its configuration, its files, its handlers, and the news of their change.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONFIGS } from '../../../tests/docs/security-page.fixture.ts';
import { ConfigError } from '../../config/config-error.ts';
import { resolveConfig } from '../../config/resolve-config.ts';
import type { AgentDefinition } from '../../model/agent.ts';
import { AppError } from '../../model/error.ts';
import { createHandlerLoader } from './handler-loader.ts';
import { loadConfig } from './load-config.ts';
import { compilePattern, readProject } from './project-files.ts';
import { watchProject } from './watch-project.ts';

let directory: string;

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-project-')));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
  delete process.env.TEST_API_KEY;
  delete process.env.TEST_ROOT_KEY;
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

const load = () => loadConfig(directory, {});
const refusal = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return error instanceof Error ? error.message : '';
};

/** The Configuration block of the documentation, with a variable of this test's own. */
const PAGE_BLOCK = CONFIGS.everything.replace('process.env.API_KEY', 'process.env.TEST_API_KEY');

describe('configuration', () => {
  test("S15: the page's whole block, typed into conductor.config.ts, drives the settings", async () => {
    write('conductor.config.ts', PAGE_BLOCK);
    process.env.TEST_API_KEY = 'a-key-of-mine';
    const { settings, origins } = await load();
    expect(settings.auth).toMatchObject({ requireAuth: true, apiKeys: ['a-key-of-mine'], allowAnonymous: false });
    expect(settings.security).toMatchObject({ allowDirectAgentExecution: true, autoPermissions: false });
    expect(settings.api.execution.ensembles.requireExplicit).toBe(false);
    expect(origins.get('auth.apiKeys')).toBe('file:conductor.config.ts');
  });

  test('S15: its API key, when the environment lacks it, stops the start and names the place', async () => {
    write('conductor.config.ts', PAGE_BLOCK);
    expect(await refusal(load())).toBe(
      'conductor.config.ts: auth.apiKeys[0] is undefined: is an environment variable unset?',
    );
  });

  test.each([
    ['security: { autoPermissions: true, },', 'security.autoPermissions', true],
    ['security: { allowDirectAgentExecution: false, },', 'security.allowDirectAgentExecution', false],
    ['auth: { requireAuth: false, },', 'auth.requireAuth', false],
  ])('S15, S29: the block "%s" loads as printed', async (block, path, value) => {
    write('conductor.config.ts', `// conductor.config.ts\nexport default {\n${block}\n}\n`);
    const [group = '', key = ''] = path.split('.');
    expect((await load()).settings).toMatchObject({ [group]: { [key]: value } });
  });

  test('S14: the strict production block loads as printed', async () => {
    const block = 'ensembles: { requireExplicit: true }, // Require opt-in\nagents: { requireExplicit: true },';
    write('conductor.config.ts', `export default {\napi: {\nexecution: {\n${block}\n},\n},\n}\n`);
    const { agents, ensembles } = (await load()).settings.api.execution;
    expect([agents.requireExplicit, ensembles.requireExplicit]).toEqual([true, true]);
  });

  test('S16: the Unkey block loads with its root key, and not without', async () => {
    const text = "export default {\nauth: {\nprovider: 'unkey',\nrootKey: process.env.TEST_ROOT_KEY,\n},\n}\n";
    write('conductor.config.ts', text);
    expect(await refusal(load())).toContain('auth.rootKey is undefined: is an environment variable unset?');
    process.env.TEST_ROOT_KEY = 'unkey_root';
    expect((await load()).settings.auth).toMatchObject({ provider: 'unkey', rootKey: 'unkey_root' });
  });

  test.each([
    ['ts', "const name: string = 'shop';\nexport default { name } satisfies object;"],
    ['mts', "export default { name: 'shop' as const };"],
    ['js', "export default { name: 'shop' };"],
    ['js', "module.exports = { name: 'shop' };"],
    ['mjs', "export const name = 'shop';"],
    ['json', '\uFEFF{"name":"shop"}'],
  ])('may be a .%s file', async (extension, text) => {
    write(`conductor.config.${extension}`, text);
    const config = await load();
    expect(config.settings.name).toBe('shop');
    expect(config.file).toBe(`conductor.config.${extension}`);
  });

  test('a file that changed is read anew, with what it imports', async () => {
    write('name.ts', "export const name = 'one';");
    write('conductor.config.ts', "import { name } from './name';\nexport default { name };");
    expect((await load()).settings.name).toBe('one');
    write('name.ts', "export const name = 'two';");
    expect((await load()).settings.name).toBe('two');
  });

  test('no file, or a file without a word, means the defaults', async () => {
    expect((await load()).settings).toEqual(resolveConfig(null, {}).settings);
    write('conductor.config.ts', 'export default {};');
    expect((await load()).settings).toEqual(resolveConfig(null, {}).settings);
  });

  test('two files are an error that names both', async () => {
    write('conductor.config.ts', 'export default {};');
    write('conductor.config.json', '{}');
    expect(await refusal(load())).toBe(
      'There are several configuration files: conductor.config.ts, conductor.config.json. Keep one.',
    );
  });

  test.each([
    [
      'ts',
      'export default {\n  auth: {{\n};',
      /^conductor\.config\.ts:2:\d+: cannot be loaded: (?!.*conductor\.config)/,
    ],
    ['ts', "const a = 1;\nthrow new Error('no luck');", /^conductor\.config\.ts:2:\d+: cannot be loaded: no luck$/],
    ['ts', "import './absent';\nexport default {};", /Cannot find module '\.\/absent'/],
    ['json', '{\n "auth": }', /^conductor\.config\.json(:2:10)?: is not valid JSON: Unexpected token '?}'?$/],
    ['json', '{\n "auth": {}', /^conductor\.config\.json(:2:12)?: is not valid JSON/],
    ['ts', 'export default () => ({});', /must export an object/],
  ])('a broken .%s file is told with its place', async (extension, text, words) => {
    write(`conductor.config.${extension}`, text);
    expect(await refusal(load())).toMatch(words);
    expect(await refusal(load())).toMatch(words);
  });

  test('a directory that is not there is told', async () => {
    expect(await refusal(loadConfig(join(directory, 'none'), {}))).toContain('There is no directory');
  });
});

function agentOf(handler: string | null): AgentDefinition {
  return {
    ...{ id: 'a', name: 'a', operation: 'code', description: null, config: {}, schema: { input: null, output: null } },
    ...{ apiExecutable: undefined, ssrf: true, timeoutMs: 30_000, handler, origin: 'file', position: null },
  };
}

describe('handlers', () => {
  const call = async (loader: ReturnType<typeof createHandlerLoader>, path: string) => {
    const handler = await loader.handler(agentOf(path));
    // A handler of these tests looks at no more of its context than this.
    return Reflect.apply(handler, undefined, [{ input: { n: 2 } }]);
  };

  test.each([
    ['a.ts', 'export default async function (context: { input: { n: number } }) { return context.input.n * 2 }'],
    ['a.js', 'export default ({ input }) => input.n * 2;'],
    ['a.cjs', 'module.exports = ({ input }) => input.n * 2;'],
    ['a.mts', 'export const handler = ({ input }: any) => input.n * 2;'],
    ['a.ts', 'export default { factor: 2, execute({ input }: any) { return input.n * this.factor } };'],
  ])('a function in %s is found: %s', async (file, text) => {
    write(`agents/a/${file}`, text);
    expect(await call(createHandlerLoader(directory), `agents/a/${file}`)).toBe(4);
  });

  test("what a handler imports as the package is this process's own code", async () => {
    const text = "import { AppError } from '@ensemble-edge/conductor';\nexport default () => AppError;";
    write('agents/a/index.ts', text);
    expect(await call(createHandlerLoader(directory), 'agents/a/index.ts')).toBe(AppError);
  });

  test('a handler is kept until it is told that files changed', async () => {
    write('agents/a/index.ts', "import { n } from '../../lib/n';\nexport default () => n;");
    write('lib/n.ts', 'export const n = 1;');
    const loader = createHandlerLoader(directory);
    expect(await call(loader, 'agents/a/index.ts')).toBe(1);
    write('lib/n.ts', 'export const n = 2;');
    expect(await call(loader, 'agents/a/index.ts')).toBe(1);
    loader.forget();
    expect(await call(loader, 'agents/a/index.ts')).toBe(2);
  });

  test('what is wrong with one is said without a path of this machine, and trying again helps once it is mended', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'conductor-outside-'));
    writeFileSync(join(outside, 'evil.ts'), 'export default () => 1;');
    mkdirSync(join(directory, 'agents'));
    symlinkSync(join(outside, 'evil.ts'), join(directory, 'agents/link.ts'));
    write('agents/none.ts', 'export const value = 1;');
    write('agents/broken.ts', 'export default function ( {');
    const loader = createHandlerLoader(directory);
    const cases = [
      ['agents/absent.ts', 'The handler agents/absent.ts does not exist.'],
      ['agents/none.ts', 'agents/none.ts exports no function'],
      ['agents/broken.ts', 'The handler agents/broken.ts does not load: agents/broken.ts:1:'],
      ['agents/link.ts', 'lies outside the project'],
      ['../evil.ts', 'lies outside the project'],
      [join(outside, 'evil.ts'), 'lies outside the project'],
      ['agents/a.py', 'must be a file of'],
      [null, 'has no handler'],
    ] as const;
    for (const [path, words] of cases) {
      const error = await Promise.resolve(loader.handler(agentOf(path))).then(String, (reason: Error) => reason);
      expect(error).toMatchObject({ name: 'AgentError', retryable: false });
      expect(String(error)).toContain(words);
      if (path === null || !path.startsWith('/')) expect(String(error)).not.toContain(directory);
    }
    write('agents/absent.ts', 'export default () => 7;');
    expect(await call(loader, 'agents/absent.ts')).toBe(7);
    rmSync(outside, { recursive: true });
  });
});

describe('files', () => {
  const { discovery } = resolveConfig(null, {}).settings;
  const paths = async (settings = discovery) => (await readProject(directory, settings)).files.map(({ path }) => path);

  test('ensembles, agents and docs are found, in order, and nothing else', async () => {
    write('ensembles/b.yaml', 'b');
    write('ensembles/deep/er/a.yml', 'a');
    write('ensembles/notes.txt', 'no');
    write('ensembles/.hidden/x.yaml', 'no');
    write('ensembles/node_modules/x.yaml', 'no');
    write('agents/greet/agent.yaml', 'g');
    write('agents/greet/other.yaml', 'no');
    write('docs/index.md', '# Hi');
    write('docs/README.md', 'no');
    write('elsewhere/x.yaml', 'no');
    expect(await paths()).toEqual([
      'agents/greet/agent.yaml',
      'docs/index.md',
      'ensembles/b.yaml',
      'ensembles/deep/er/a.yml',
    ]);
    const { files } = await readProject(directory, discovery);
    expect(files[1]).toEqual({ path: 'docs/index.md', text: '# Hi' });
  });

  test('discovery settings say where and what', async () => {
    write('flows/a.flow', '');
    write('flows/old/b.flow', '');
    const { settings } = resolveConfig(
      {
        file: 'conductor.config.json',
        value: {
          discovery: {
            ensembles: { directory: './flows/', patterns: ['**/*.flow'], excludeDirs: ['old'] },
            agents: { enabled: false },
          },
        },
      },
      {},
    );
    write('agents/x/agent.yaml', '');
    expect(await paths(settings.discovery)).toEqual(['flows/a.flow']);
  });

  test('a link out of the project and a file that is too large are problems, not contents', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'conductor-outside-'));
    writeFileSync(join(outside, 'secret.yaml'), 'secret');
    write('ensembles/big.yaml', 'x'.repeat(1024 * 1024 + 1));
    write('ensembles/ok.yaml', 'ok');
    symlinkSync(join(outside, 'secret.yaml'), join(directory, 'ensembles/link.yaml'));
    symlinkSync(outside, join(directory, 'ensembles/folder'));
    const { files, problems } = await readProject(directory, discovery);
    expect(files.map(({ path }) => path)).toEqual(['ensembles/ok.yaml']);
    expect(problems.map(({ message }) => message)).toEqual([
      'ensembles/big.yaml is larger than 1048576 bytes and is not read.',
      'ensembles/link.yaml leads out of the project and is not read.',
    ]);
    rmSync(outside, { recursive: true });
  });

  test.each([
    ['**/*.yaml', 'a.yaml', true],
    ['**/*.yaml', 'a/b/c.yaml', true],
    ['**/*.yaml', 'a/b/c.yml', false],
    ['*.yaml', 'a/b.yaml', false],
    ['a?c/**', 'abc/d', true],
    ['a+b.yaml', 'aab.yaml', false],
  ])('the pattern %s and %s', (pattern, path, matches) => {
    expect(compilePattern(pattern).test(path)).toBe(matches);
  });
});

describe('watching', () => {
  test('a change is told once it has come to rest, also in a new directory, and not in what is left out', async () => {
    write('ensembles/a.yaml', '1');
    write('data/x.json', '1');
    write('node_modules/x/x.js', '1');
    let told = 0;
    let next = resolvers();
    const watch = watchProject(
      directory,
      () => {
        told += 1;
        next.resolve();
      },
      { ignore: [join(directory, 'data')], restMs: 30 },
    );
    const changed = async (path: string) => {
      next = resolvers();
      write(path, String(Math.random()));
      await next.promise;
    };
    await changed('ensembles/a.yaml');
    await changed('agents/new/agent.yaml');
    await changed('agents/new/index.ts');
    const before = told;
    write('data/x.json', '2');
    write('node_modules/x/x.js', '2');
    write('ensembles/.a.swp', '2');
    await changed('ensembles/a.yaml');
    expect(told).toBe(before + 1);
    watch.close();
  });
});

function resolvers() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
