// The YAML and the configuration of every page, loaded as a server loads them: a page is a project, and has no problem.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../src/index.ts';
import { loadConfig } from '../../src/runtime/node/load-config.ts';
import { writeProject } from './docs-server.ts';
import { environmentOf, isWholeYaml, projectOf } from './page-project.ts';
import { allPages, type Fence, type Page } from './pages.ts';

const pages = allPages();
const fences = pages.flatMap((page) => page.fences.map((fence) => ({ page, fence })));

describe('a page', () => {
  // Pages with shell fences are loaded, and looked at, where these run.
  const isRun = (page: Page) => page.fences.some(({ language }) => language === 'sh');
  const built = pages.filter((page) => page.fences.some(isWholeYaml) && !isRun(page));

  it.each(built.map((page) => [page.path, page] as const))('%s is a project without a problem', async (_path, page) => {
    const { problems, loaded } = await serve(projectOf(page), page);
    expect(problems).toEqual([]);
    expect(loaded).toBeGreaterThan(0);
  });
});

describe('a fence', () => {
  const parts = fences.filter(({ fence }) => fence.language === 'yaml' && ['trigger', 'step'].includes(fence.mark));

  it.each(parts.map(({ fence, page }) => [fence.at, fence, page] as const))(
    '%s is right in its place',
    async (_at, fence, page) => {
      const { problems } = await serve(new Map([['ensembles/part.yaml', inPlace(fence)]]), page);
      expect(problems).toEqual([]);
    },
  );

  const wrong = fences.filter(({ fence }) => fence.language === 'yaml' && fence.mark === 'error');

  it.each(wrong.map(({ fence, page }) => [fence.at, fence, page] as const))(
    '%s is refused, in the words that follow it',
    async (_at, fence, page) => {
      const said = page.fences[page.fences.indexOf(fence) + 1];
      const { problems } = await serve(new Map([['ensembles/wrong.yaml', fence.text]]), page);
      expect(said?.language).toBe('text');
      expect(problems.join('\n')).toContain(said?.text.trim());
    },
  );

  const configs = fences.filter(({ fence }) => fence.file === 'conductor.config.ts');

  it.each(configs.map(({ fence, page }) => [fence.at, fence, page] as const))(
    '%s is a configuration',
    async (_at, fence, page) => {
      const directory = folder();
      writeProject(directory, new Map([['conductor.config.ts', fence.text]]));
      Object.assign(process.env, environmentOf(page));
      const { origins } = await loadConfig(directory, {});
      expect([...origins.values()]).toContain('file:conductor.config.ts');
    },
  );

  it('has no mark that is not tested', () => {
    const known = fences.filter(({ fence }) => ['', 'trigger', 'step', 'error'].includes(fence.mark));
    expect(fences.filter((one) => !known.includes(one)).map(({ fence }) => fence.at)).toEqual([]);
  });
});

/** A trigger or a step, in the smallest ensemble that has one. */
function inPlace({ mark, text }: Fence): string {
  const item = text
    .split('\n')
    .map((line, n) => `${n === 0 ? '  - ' : '    '}${line}`)
    .join('\n');
  if (mark === 'step') return `name: part\nflow:\n${item}\n`;
  return `name: part\ntrigger:\n${item}\nflow:\n  - agent: echo\n`;
}

/** What a server finds wrong with files, its triggers mounted. */
async function serve(files: ReadonlyMap<string, string>, page: Page) {
  const directory = folder();
  writeProject(directory, files);
  Object.assign(process.env, environmentOf(page));
  const server = await startServer({ dataDir: join(directory, 'data'), port: 0, project: { directory } });
  onTestFinished(() => server.close());
  const { agents, ensembles, problems } = server.project();
  const own = [...agents.values(), ...ensembles.values()].filter(({ origin }) => origin !== 'built-in');
  return {
    problems: problems.map(({ position, message }) => `${position.file}:${position.line} ${message}`),
    loaded: own.length,
  };
}

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-docs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
