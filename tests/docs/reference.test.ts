// The reference pages say what the code says: every error of the registry, every route of the server, every command.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { ERRORS } from '../../src/model/error.ts';
import { startDocsServer } from './docs-server.ts';
import { readTable, root } from './pages.ts';

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

  it('cli.md names every command, and no other', () => {
    const documented = readTable('docs/reference/cli.md', 'command').map(([command = '']) => command);
    expect([...documented].sort()).toEqual(COMMANDS.map(({ path }) => `\`conductor ${path.join(' ')}\``).sort());
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
    expect(readFileSync(join(root, file), 'utf8')).toContain(title);
  });
});
