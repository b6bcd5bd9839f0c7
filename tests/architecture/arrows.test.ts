// The arrows between the parts hold, and the tool that says so really looks: it saw the sources, and each rule bites
// when its forbidden import is tried on a small tree of its own.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import { afterAll, describe, expect, it } from 'vitest';

interface Configuration {
  readonly forbidden: IForbiddenRuleType[];
  readonly options: ICruiseOptions;
}

const config: Configuration = createRequire(import.meta.url)('../../.dependency-cruiser.cjs');
const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'arrows-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function cruiseAt(baseDir: string, folders: string[]): Promise<ICruiseResult> {
  const options: ICruiseOptions = {
    ...config.options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: config.forbidden },
  };
  const { output } = await cruise(folders, options);
  if (typeof output === 'string') throw new Error('expected a cruise result');
  return output;
}

function violations(result: ICruiseResult): string[] {
  return result.summary.violations.map((v) => `${v.rule.name}: ${v.from} -> ${v.to}`);
}

describe('arrows', () => {
  it('hold over all sources, of which the tool saw more than fifty', async () => {
    const result = await cruiseAt(root, ['src', 'examples', 'bench']);
    const ours = result.modules.filter((module) => module.source.startsWith('src/'));
    expect(violations(result)).toEqual([]);
    expect(ours.length).toBeGreaterThan(50);
    expect(ours.filter((module) => module.dependencies.length > 0).length).toBeGreaterThan(30);
  });

  /** What each rule exists to catch: a file and the one import it must not have. */
  const forbidden: readonly (readonly [rule: string, file: string, imported: string])[] = [
    ['model-hangs-on-nothing', 'src/model/a.ts', 'src/store/port.ts'],
    ['expressions-on-model', 'src/expressions/a.ts', 'src/engine/b.ts'],
    ['engine-on-expressions', 'src/engine/a.ts', 'src/orchestrator/ports.ts'],
    ['orchestrator-on-engine', 'src/orchestrator/a.ts', 'src/vault/b.ts'],
    ['operations-on-ports', 'src/operations/a.ts', 'src/http/b.ts'],
    ['access-on-ports', 'src/access/a.ts', 'src/engine/b.ts'],
    ['egress-on-ports', 'src/egress/a.ts', 'src/vault/b.ts'],
    ['config-on-model', 'src/config/a.ts', 'src/cli/b.ts'],
    ['visitor-on-model', 'src/visitor/a.ts', 'src/http/b.ts'],
    ['ensembles-on-operations', 'src/ensembles/a.ts', 'src/http/b.ts'],
    ['triggers-on-http', 'src/triggers/a.ts', 'src/runtime/b.ts'],
    ['vault-on-ports', 'src/vault/a.ts', 'src/orchestrator/b.ts'],
    ['store-on-model', 'src/store/sqlite/a.ts', 'src/orchestrator/b.ts'],
    ['http-never-reaches-up', 'src/http/a.ts', 'src/runtime/b.ts'],
    ['cli-through-its-host', 'src/cli/commands/a.ts', 'src/runtime/b.ts'],
    ['edge-without-node', 'src/runtime/cloudflare/a.ts', 'src/runtime/node/b.ts'],
    ['only-runtime-picks-a-store', 'src/http/a.ts', 'src/store/sqlite/b.ts'],
    ['only-runtime-picks-a-store', 'src/cli/a.ts', 'src/store/sqlite/b.ts'],
    ['only-egress-opens-connections', 'src/vault/a.ts', 'undici'],
    ['only-egress-opens-connections', 'src/runtime/a.ts', 'node:net'],
    ['node-http-serves-only', 'src/cli/a.ts', 'node:http'],
    ['pure-core', 'src/engine/a.ts', 'node:crypto'],
    ['web-standards', 'src/vault/a.ts', 'node:crypto'],
    ['no-test-code-in-product', 'src/runtime/a.ts', 'src/testing/b.ts'],
    ['no-test-code-in-product', 'src/vault/a.ts', 'src/vault/testing/b.ts'],
    ['no-dev-dependency-in-product', 'src/http/a.ts', 'stripe'],
    ['resolvable', 'src/http/a.ts', 'src/http/nowhere.js'],
  ];

  it.each(forbidden)('%s refuses %s importing %s', async (rule, file, imported) => {
    const tree = plant({ [file]: importOf(file, imported), ...(existing(imported) ? { [imported]: VALUE } : {}) });
    expect(violations(await cruiseAt(tree, ['src']))).toContainEqual(expect.stringContaining(`${rule}: ${file}`));
  });

  it('no-cycles refuses a cycle of values and lets a cycle of types be', async () => {
    const cycle = (keyword: string) =>
      plant({
        'src/vault/a.ts': `import ${keyword} { B } from './b.ts';\nexport const A = 1 as unknown as typeof B;\n`,
        'src/vault/b.ts': `import ${keyword} { A } from './a.ts';\nexport const B = 1 as unknown as typeof A;\n`,
      });
    expect(violations(await cruiseAt(cycle(''), ['src'])).join()).toContain('no-cycles');
    expect(violations(await cruiseAt(cycle('type'), ['src'])).join()).toBe('');
  });

  it('a tree that keeps to the arrows passes', async () => {
    const tree = plant({ 'src/engine/a.ts': importOf('src/engine/a.ts', 'src/model/b.ts'), 'src/model/b.ts': VALUE });
    const result = await cruiseAt(tree, ['src']);
    expect(violations(result)).toEqual([]);
    expect(result.modules).toHaveLength(2);
  });

  it('no part but egress and the command line calls fetch, which no import would show', () => {
    // A Worker's own entry is called fetch too.
    const entry = 'runtime/cloudflare/worker.ts';
    const callers = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$|(^|\/)testing\//.test(name))
      .filter((name) => /(?<![.#\w])fetch\(/.test(withoutComments(readFileSync(join(root, 'src', name), 'utf8'))));
    expect(callers.filter((name) => name !== entry && !/^(egress|cli)\//.test(name))).toEqual([]);
  });

  it('has a case for every rule', () => {
    const tried = new Set([...forbidden.map(([rule]) => rule), 'no-cycles']);
    expect(config.forbidden.map((rule) => rule.name).filter((name) => !tried.has(String(name)))).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

const VALUE = 'export const value = 1;\n';

function existing(imported: string): boolean {
  return imported.startsWith('src/') && imported.endsWith('.ts');
}

function importOf(file: string, imported: string): string {
  const up = '../'.repeat(dirname(file).split('/').length);
  return `import * as other from '${imported.startsWith('src/') ? up + imported : imported}';\nexport default other;\n`;
}

const PACKAGES = {
  'package.json': '{"type":"module","dependencies":{"undici":"7"},"devDependencies":{"stripe":"23"}}',
  'node_modules/undici/package.json': '{"name":"undici","version":"7.0.0","main":"index.js"}',
  'node_modules/undici/index.js': 'module.exports = {};',
  'node_modules/stripe/package.json': '{"name":"stripe","version":"23.0.0","main":"index.js"}',
  'node_modules/stripe/index.js': 'module.exports = {};',
};

/** A small source tree with a dependency and a development dependency of its own. */
function plant(files: Readonly<Record<string, string>>): string {
  const tree = mkdtempSync(join(scratch, 'tree-'));
  const all = { ...PACKAGES, ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  return tree;
}
