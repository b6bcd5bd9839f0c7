// The billing example comes out exact in both forms and for any choice of numbers: real server, real worker processes,
// official SDKs, by the same command that `npm run demo` runs.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { demoOptions } from '../../examples/billing/demo-options.ts';
import { root } from './pages.ts';

const TIMEOUT_MS = 90_000;

const KEYS = [
  'customers',
  'charged',
  'refused',
  'capUsd',
  'spentUsd',
  'doubleCharges',
  'chargedAfterTermination',
  'durationMs',
  'tasksPerSecond',
];

describe('the billing demo', () => {
  const choices = [
    ['budget', '--customers 60 --cap 10 --price 0.50', { customers: 60, charged: 20, refused: 40, spentUsd: 10 }],
    ['seed', '--customers 60 --cap 10 --price 0.50', { customers: 60, charged: 20, refused: 40, spentUsd: 10 }],
    ['budget', '--workers 1 --customers 30 --cap 10.333333 --price 0.75', { charged: 13, refused: 17, spentUsd: 9.75 }],
    ['seed', '--workers 1 --customers 12 --cap 500 --price 0.5', { charged: 12, refused: 0, spentUsd: 6 }],
    ['budget', '--workers 1 --customers 0 --cap 5', { charged: 0, refused: 0, spentUsd: 0 }],
    ['budget', '--workers 1 --customers 7 --cap 1 --price 2', { charged: 0, refused: 7, spentUsd: 0 }],
  ] as const;

  it.each(choices)(
    'is exact in the form %s with %s',
    async (form, flags, expected) => {
      const { code, lastLine, errors } = await demo(['--json', '--form', form, '--seed', '7', ...flags.split(' ')]);
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      const result: object = JSON.parse(lastLine);
      expect(Object.keys(result)).toEqual(KEYS);
      expect(result).toMatchObject({ ...expected, doubleCharges: 0, chargedAfterTermination: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    'tells people the story',
    async () => {
      const { code, output } = await demo(['--workers', '1', '--customers', '10', '--cap', '3', '--price', '0.5']);
      expect(code).toBe(0);
      expect(output).toMatch(/sign in +X-API-Key: cnd_/);
      expect(output).toContain('The run ended FAILED, as it should: 4 customers did not fit under the cap.\n');
      expect(output).toMatch(/charged +6\n/);
      expect(output).toMatch(/refused +4 /);
      expect(output).toContain('spent    $3.00 of $3.00');
      expect(output).toContain('double charges 0');
      expect(output).toMatch(/charge_customer_task_\d+ +\d calls? +\$0\.50 +pi_/);
      expect(output).toMatch(/25 of the 25 held tasks were refused|(\d+) of the \1 held tasks were refused/);
    },
    TIMEOUT_MS,
  );

  it(
    'leaves nothing behind where it runs, nor among temporary files',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'conductor-demo-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const { code, output } = await run(['--workers', '1', '--customers', '3'], folder, { TMPDIR: folder });
      expect(code).toBe(0);
      expect(output).toContain(`database  ${join(folder, 'conductor-demo-')}`);
      expect(output).not.toContain('did not fit');
      expect(readdirSync(folder)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it.each([
    '--customers -1',
    '--customers 20001',
    '--price 0',
    '--price 0.505',
    '--cap none',
    '--cap 1e3',
    '--form other',
    '--workers 0',
    '--nonsense',
  ])('refuses %s before it starts anything', (flags) => {
    expect(() => demoOptions(flags.split(' '))).toThrow(/--/);
  });
});

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
  readonly lastLine: string;
}

function demo(args: readonly string[]): Promise<Outcome> {
  const data = mkdtempSync(join(tmpdir(), 'conductor-demo-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  return run(['--data', data, ...args], root);
}

function run(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const file = join(root, 'dist/examples/billing/demo.js');
  const child = spawn(process.execPath, [file, ...args], { cwd, env: { ...process.env, ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code: code ?? 1, output, errors, lastLine: output.trimEnd().split('\n').at(-1) ?? '' }),
    );
  });
}
