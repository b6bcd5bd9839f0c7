// The reference pages say what the code says: every error of the registry, every route of the server, every command.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { starterFiles } from '../../src/cli/templates/starter.ts';
import { configSchema } from '../../src/config/config-schema.ts';
import { ENVIRONMENT_VARIABLES } from '../../src/config/environment.ts';
import { leaves } from '../../src/config/layers.ts';
import { CALLBACKS } from '../../src/expressions/ensemble/callbacks.ts';
import { compileExpression } from '../../src/expressions/ensemble/expression.ts';
import { FILTERS } from '../../src/expressions/ensemble/filters.ts';
import { FUNCTIONS } from '../../src/expressions/ensemble/functions.ts';
import { LIST_METHODS } from '../../src/expressions/ensemble/list-methods.ts';
import { TEXT_METHODS } from '../../src/expressions/ensemble/text-methods.ts';
import { ERRORS } from '../../src/model/error.ts';
import { jsonObject } from '../../src/model/schema.ts';
import { OPERATIONS } from '../../src/operations/registry.ts';
import { startDocsServer } from './docs-server.ts';
import { readPage, readTable, root } from './pages.ts';

const openApiSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

describe('docs/reference', () => {
  it('errors.md is the registry, row by row', () => {
    const rows = Object.entries(ERRORS).map(([code, { status, retryable, title, fix }]) => [
      `\`${code}\``,
      String(status),
      retryable ? 'yes' : 'no',
      title,
      fix,
    ]);
    expect(readTable('docs/reference/errors.md', 'code')).toEqual(rows);
  });

  it('rest.md names every route of the server, and no other', async () => {
    const docs = await startDocsServer();
    onTestFinished(() => docs.close());
    const { paths } = openApiSchema.parse(JSON.parse((await docs.call('GET', '/openapi.json')).text));
    const served = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const documented = readTable('docs/reference/rest.md', 'route').map(([route = '']) => route.replaceAll('`', ''));
    expect(served.length).toBeGreaterThan(30);
    expect([...documented].sort()).toEqual([...served].sort());
  });

  it('compatibility.md names no path as not served that is', async () => {
    const docs = await startDocsServer();
    onTestFinished(() => docs.close());
    const paths = readTable('docs/reference/compatibility.md', 'path').flatMap(([cell = '']) => codesIn(cell));
    const statuses = await Promise.all(
      paths.map(async (path) => (await docs.call('GET', path.replaceAll(/\{\w+\}/g, 'x'))).status),
    );
    expect(paths.length).toBeGreaterThan(5);
    const served = paths.filter((_, at) => ![404, 405].includes(statuses[at] ?? 0));
    expect(served).toEqual([]);
  });

  it('cli.md names every command, and no other', () => {
    const documented = readTable('docs/reference/cli.md', 'command').map(([command = '']) => command);
    expect([...documented].sort()).toEqual(COMMANDS.map(({ path }) => `\`conductor ${path.join(' ')}\``).sort());
  });

  it('config.md names every key with its default and its variable, and no other', () => {
    const rows = [...leaves(configSchema.parse({}))].map(([path, value]) => {
      const variable = ENVIRONMENT_VARIABLES.find((known) => known.path.join('.') === path.join('.'));
      return [`\`${path.join('.')}\``, `\`${JSON.stringify(value)}\``, variable ? `\`${variable.name}\`` : ''];
    });
    expect(readTable('docs/reference/config.md', 'key').map((row) => row.slice(0, 3))).toEqual(rows);
  });

  it('agent-yaml.md names every operation, and no other', () => {
    const row = readTable('docs/reference/agent-yaml.md', 'key').find(([key]) => key === '`operation`');
    expect(codesIn(row?.[1] ?? '').sort()).toEqual(OPERATIONS.map(({ name }) => name).sort());
  });
});

describe('docs/reference/expressions.md', () => {
  const page = 'docs/reference/expressions.md';
  const scope = jsonObject().parse(
    JSON.parse(readPage(page).fences.find((one) => one.language === 'json')?.text ?? ''),
  );
  const examples = readTable(page, 'expression').map(([source = '', gives = '']) => [codesIn(source)[0] ?? '', gives]);

  it.each(examples)('%s gives %s', (source, gives) => {
    const value = compileExpression(source).evaluate({ lookup: (name) => scope[name] });
    expect(value === undefined ? 'nothing' : `\`${JSON.stringify(value)}\``).toBe(gives);
  });

  it('names every method, function and filter, and no other', () => {
    const methods = new Map(readTable(page, 'of').map(([of = '', names = '']) => [of, codesIn(names)]));
    expect(examples.length).toBeGreaterThan(20);
    expect(methods.get('texts')).toEqual([...TEXT_METHODS.keys()].sort());
    expect(methods.get('lists')).toEqual([...LIST_METHODS.keys()].sort());
    expect(methods.get('lists, with a function')).toEqual([...CALLBACKS.keys()].sort());
    expect(readTable(page, 'functions').flatMap(([names = '']) => codesIn(names))).toEqual(
      [...FUNCTIONS.keys()].sort(),
    );
    const filters = readTable(page, 'filter').flatMap(([names = '']) => codesIn(names));
    expect(filters.map((filter) => filter.split('(')[0]).sort()).toEqual([...FILTERS.keys()].sort());
  });
});

describe('docs/start/ensembles.md', () => {
  it('shows the files that init writes, as it writes them', () => {
    const written = starterFiles('hello', '0.0.0');
    const shown = readPage('docs/start/ensembles.md').fences.filter(({ file }) => file !== null);
    expect(shown.length).toBeGreaterThan(3);
    for (const { file, text } of shown)
      expect(`${text.split('\n').slice(1).join('\n')}\n`).toBe(written.get(file ?? ''));
  });
});

describe('SECURITY.md', () => {
  const promises = readTable('SECURITY.md', 'promise').map(([promise = '', test = '']) => [promise, test] as const);

  it('makes promises', () => {
    expect(promises.length).toBeGreaterThan(20);
  });

  it.each(promises)('%s: names a test that exists', (_promise, test) => {
    const [, title = '', file = ''] = /^\[(.+)\]\((.+)\)$/.exec(test) ?? [];
    expect(title).not.toBe('');
    const isThere = readFileSync(join(root, file), 'utf8').includes(title);
    expect(isThere, `${file} has no test "${title}"`).toBe(true);
  });
});

/** What stands between backticks, in order. */
function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}
