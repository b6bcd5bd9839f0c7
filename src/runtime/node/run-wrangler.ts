// Runs Cloudflare's command line: the one on the PATH, else whatever npx finds. A value travels in a file that only its
// owner can read, never as an argument: those are seen by every user of the machine, and read by shells.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProgramResult } from '../../cli/host.ts';
import { hasCode } from './error-code.ts';

const TIMEOUT_MS = 120_000;

/** Rejects when neither can be started. */
export async function runWrangler(args: readonly string[], value?: string): Promise<ProgramResult> {
  if (value === undefined) return runFirst(args);
  const scratch = mkdtempSync(join(tmpdir(), 'conductor-wrangler-'));
  try {
    const file = join(scratch, 'value');
    writeFileSync(file, value, { mode: 0o600 });
    return await runFirst([...args, '--path', file]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function runFirst(args: readonly string[]): Promise<ProgramResult> {
  try {
    return await run('wrangler', args);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return run('npx', ['--yes', 'wrangler', ...args]);
  }
}

function run(program: string, args: readonly string[]): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    // On Windows both are scripts, which only a shell starts; every argument is of our own making.
    const shell = process.platform === 'win32';
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], shell, timeout: TIMEOUT_MS });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ exitCode: code ?? 1, out, err }));
  });
}
