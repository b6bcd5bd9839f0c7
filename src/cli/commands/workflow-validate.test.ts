import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeHost } from '../../runtime/node/cli-host.ts';
import { runCli } from '../cli.fixture.ts';

const host = nodeHost();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-validate-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function validate(document: unknown, ...flags: string[]) {
  const file = join(folder, 'workflow.json');
  await writeFile(file, typeof document === 'string' ? document : JSON.stringify(document));
  return runCli(['workflow', 'validate', file, ...flags], host);
}

const task = (ref: string, more: object = {}) => ({ name: ref, taskReferenceName: ref, type: 'SIMPLE', ...more });

describe('workflow validate', () => {
  test('a right definition is valid', async () => {
    expect(await validate({ name: 'billing', tasks: [task('a'), task('b')] })).toEqual({
      exitCode: 0,
      out: '✓ billing is valid\n',
      err: '',
    });
  });

  test('an unknown property is a warning, with the word that was meant', async () => {
    const printed = await validate({ name: 'billing', tasks: [task('a', { retryCuont: 2 })] });
    expect(printed.exitCode).toBe(0);
    expect(printed.err).toContain('warning: billing: tasks[0].retryCuont is not');
    expect(printed.err).toContain('did you mean retryCount?');
  });

  test.each([
    ['refused by its plan', { name: 'billing', tasks: [task('a', { retryCuont: 2 }), task('a')] }],
    ['refused by its shape', { tasks: [task('a', { retryCuont: 2 })] }],
  ])('a definition %s is warned of all the same', async (_, definition) => {
    const { err, exitCode } = await validate(definition);
    expect(exitCode).toBe(1);
    expect(err).toContain('error: ');
    expect(err).toContain('did you mean retryCount?');
    expect((await validate('[null, 7, {"tasks": 3}]')).exitCode).toBe(1);
  });

  test('what the server would refuse is an error', async () => {
    const twice = await validate({ name: 'billing', tasks: [task('a'), task('a')] });
    expect(twice.exitCode).toBe(1);
    expect(twice.err).toContain('unique');
    const unnamed = await validate({ tasks: [] });
    expect(unnamed.exitCode).toBe(1);
    expect(unnamed.err).toContain('error: (no name): name:');
    expect(unnamed.out).toBe('');
  });

  test('several definitions in one file are judged each', async () => {
    const { out, exitCode } = await validate(
      [
        { name: 'one', tasks: [task('a')] },
        { name: 'two', tasks: [] },
      ],
      '--json',
    );
    expect(exitCode).toBe(1);
    const { definitions } = JSON.parse(out);
    expect(definitions.map((verdict: { errors: unknown[] }) => verdict.errors.length)).toEqual([0, 1]);
  });

  test('a file that is missing or no JSON is named', async () => {
    expect((await validate('{"name":')).err).toContain('is not valid JSON');
    const missing = await runCli(['workflow', 'validate', join(folder, 'none.json')], host);
    expect(missing).toMatchObject({ exitCode: 1 });
    expect(missing.err).toContain('cannot be read');
  });
});
