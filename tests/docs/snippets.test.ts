// Every fence of every page, treated by its language: see docs/decisions/0008-snippets-are-tests.md for the scheme.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isJsonObject } from '../../src/model/json.ts';
import { faultOf, linesOf } from './command-lines.ts';
import { type DocsServer, startDocsServer } from './docs-server.ts';
import { environmentOf, projectOf } from './page-project.ts';
import { allPages, readPage, root } from './pages.ts';
import { DECLARED, HANDLERS, MODULES } from './security-page.fixture.ts';
import { typeErrors } from './type-check.ts';

const pages = allPages();
const fences = pages.flatMap((page) => page.fences);
const of = (language: string) => fences.filter((fence) => fence.language === language);

describe('fences', () => {
  it('are of the languages that are tested, and of those that hold no code', () => {
    const known = ['sh', 'json', 'yaml', 'ts', 'python', 'console', 'text', 'mermaid'];
    expect(fences.filter(({ language }) => !known.includes(language)).map(({ at }) => at)).toEqual([]);
  });

  it('exist in each language', () => {
    const counts = Object.fromEntries(
      ['sh', 'json', 'yaml', 'ts', 'python', 'console'].map((name) => [name, of(name).length]),
    );
    expect(
      Object.values(counts).every((count) => count > 0),
      JSON.stringify(counts),
    ).toBe(true);
  });
});

describe('sh', () => {
  const scripted = pages
    .map((page) => [page.path, page, page.fences.filter(({ language }) => language === 'sh')] as const)
    .filter(([, , scripts]) => scripts.length > 0);

  it.each(scripted)('%s runs from top to bottom, over the project that it builds', async (_path, page, scripts) => {
    Object.assign(process.env, environmentOf(page));
    const docs = await startDocsServer(projectOf(page));
    onTestFinished(() => docs.close());
    expect(docs.server.project().problems).toEqual([]);
    const { code, output } = await docs.shell(scripts.map(({ text }) => text).join('\n'));
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
  });
});

describe('json', () => {
  let docs: DocsServer;
  beforeAll(async () => {
    docs = await startDocsServer();
  });
  afterAll(() => docs.close());

  const files = readdirSync(join(root, 'examples/billing')).filter((name) => name.endsWith('.json'));
  const documents = [
    ...of('json').map(({ at, text }) => [at, text] as const),
    ...files.map((name) => [name, readFileSync(join(root, 'examples/billing', name), 'utf8')] as const),
  ];
  const INPUT = { budget_usd: '5.00', customer_id: 'cus_ada', items: [1, 2], plan_id: 'pro-1-50' };

  it.each(documents)('%s is valid, and registers and starts when it is a definition', async (_at, text) => {
    const document: unknown = JSON.parse(text);
    if (!isJsonObject(document)) {
      expect(await docs.call('POST', '/api/metadata/taskdefs', text)).toMatchObject({ status: 200 });
    } else if ('tasks' in document) {
      const { name } = document;
      expect(await docs.call('PUT', '/api/metadata/workflow', [document])).toMatchObject({ status: 200 });
      expect(await docs.call('GET', `/api/metadata/workflow/${name}`)).toMatchObject({ status: 200 });
      expect(await docs.call('POST', `/api/workflow/${name}`, INPUT)).toMatchObject({ status: 200 });
    }
  });
});

describe('ts', () => {
  const snippets = of('ts');
  const seed = [...Object.values(HANDLERS), ...Object.values(MODULES)].map((text) => DECLARED + text);
  const wrong = [
    "import Stripe from 'stripe';\nconst n: number = Stripe;",
    "import { nothing } from 'stripe';",
    "import { safeFetch } from '@ensemble-edge/conductor';\nawait safeFetch(5);",
  ];
  let errors: string[][];
  beforeAll(() => {
    errors = typeErrors([...snippets.map(({ text }) => text), ...seed, ...wrong]);
  }, 60_000);

  it('type-checks', () => {
    expect(snippets.map(({ at }, n) => [at, errors[n]])).toEqual(snippets.map(({ at }) => [at, []]));
  });

  it('type-checks on the security page too, as printed there', () => {
    expect(errors.slice(snippets.length, -wrong.length)).toEqual(seed.map(() => []));
  });

  it('is checked by a compiler that finds mistakes', () => {
    const found = errors.slice(-wrong.length).map((messages) => messages.join());
    expect(found).toEqual(['number', 'nothing', 'number'].map((word) => expect.stringContaining(word)));
  });

  it("the README's worker completes a run", async () => {
    const { fences: ours } = readPage('README.md');
    const text = (language: string) => ours.find((fence) => fence.language === language)?.text ?? '';
    const docs = await startDocsServer();
    onTestFinished(() => docs.close());
    await docs.shell(text('sh'));
    const stop = startModule(text('ts'), {
      CONDUCTOR_SERVER_URL: docs.server.url,
      CONDUCTOR_AUTH_KEY: 'local',
      CONDUCTOR_AUTH_SECRET: docs.server.localKey,
    });
    onTestFinished(stop);
    const run = (await docs.call('POST', '/api/workflow/hello', { who: 'reader' })).text;
    await expect
      .poll(async () => (await docs.call('GET', `/api/workflow/${run}?includeTasks=false`)).text, { timeout: 20_000 })
      .toContain('"said":"hello reader"');
  });

  it("the billing page's worker spends what the page says, under both of its caps", async () => {
    const { fences: ours } = readPage('docs/guides/billing.md');
    const worker = ours.find(({ text }) => text.startsWith('// charge-worker.mts'))?.text ?? '';
    const [register = ''] = ours.filter(({ language }) => language === 'sh').map(({ text }) => text);
    const docs = await startDocsServer();
    onTestFinished(() => docs.close());
    expect(await docs.shell(register)).toMatchObject({ code: 0 });
    const stop = startModule(worker.replace('8080', new URL(docs.server.url).port), {
      CONDUCTOR_SERVER_URL: docs.server.url,
      CONDUCTOR_AUTH_KEY: 'local',
      CONDUCTOR_AUTH_SECRET: docs.server.localKey,
    });
    onTestFinished(stop);
    const caps = [
      ['5.00', 'COMPLETED', '"total_usd":1,"calls":2,"allowed":2,"refused":0'],
      ['0.75', 'FAILED', '"total_usd":0.5,"calls":2,"allowed":1,"refused":1'],
    ] as const;
    for (const [cap, status, spent] of caps) {
      const run = (await docs.call('POST', '/api/workflow/bill_two', { budget_usd: cap })).text;
      await expect
        .poll(async () => (await docs.call('GET', `/api/workflow/${run}/status`)).text, { timeout: 20_000 })
        .toContain(`"status":"${status}"`);
      expect((await docs.call('GET', `/vault/spend?workflowId=${run}`)).text).toContain(spent);
    }
  });
});

describe('python', () => {
  /** What the official SDKs export, by module: a name that is not here is not imported in a page. */
  const exported: Readonly<Record<string, readonly string[]>> = {
    'conductor.client.automator.task_handler': ['TaskHandler'],
    'conductor.client.configuration.configuration': ['Configuration'],
    'conductor.client.worker.worker_task': ['worker_task'],
    stripe: ['stripe'],
  };
  const snippets = of('python').map(({ at, text }) => [at, text] as const);

  it.each(snippets)('%s imports what there is', (_at, text) => {
    const imports = [...text.matchAll(/^(?:from (\S+) import (.+)|import (\S+))$/gm)];
    expect(imports.length).toBeGreaterThan(0);
    for (const [, module, names, whole] of imports) {
      const wanted = names?.split(',').map((name) => name.trim()) ?? [whole ?? ''];
      expect(exported[module ?? whole ?? '']).toEqual(expect.arrayContaining(wanted));
    }
  });

  it.each(snippets)('%s is Python', (_at, text) => {
    expect(text.match(/[([{]/g)?.length).toBe(text.match(/[)\]}]/g)?.length);
    const parse = 'import ast, sys; ast.parse(sys.stdin.read())';
    const { status, stderr, error } = spawnSync('python3', ['-c', parse], { input: text, encoding: 'utf8' });
    // Without a Python on the machine the brackets have to do.
    if (!error) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('console', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const lines = of('console').flatMap(({ at, text }) => linesOf(text).map((line) => [at, line] as const));

  it.each(lines)('%s names what exists: %s', async (_at, line) => {
    expect(await faultOf(line, scripts)).toBeUndefined();
  });

  it.each([
    'npm run nonsense',
    'rm -rf data',
    'npx conductor keys forge',
    'npx conductor keys list --nonsense',
    'npx conductor keys generate --name "without permissions"',
    'npx conductor exec',
    'npx tsx ../worker.mts',
    'node -e "listen(9000"',
  ])('notices that %s is none', async (line) => {
    expect(await faultOf(line, scripts)).toBeDefined();
  });
});

/** Runs a snippet as a module of this package, until the returned function is called. */
function startModule(text: string, env: Readonly<Record<string, string>>): () => void {
  const folder = join(root, 'dist/.snippets');
  const file = join(folder, `snippet-${process.pid}.mjs`);
  mkdirSync(folder, { recursive: true });
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  writeFileSync(file, ts.transpileModule(text, { compilerOptions }).outputText);
  const child = spawn(process.execPath, [file], { env: { ...process.env, ...env }, stdio: 'ignore' });
  return () => {
    child.kill('SIGKILL');
    rmSync(file, { force: true });
  };
}
