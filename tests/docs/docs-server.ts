// A real server for the docs: a fresh database, a Stripe simulator behind the vault, and a shell that finds it where the
// pages say that it is.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunningServer } from '../../src/runtime/node/server-options.ts';
import { startServer } from '../../src/runtime/node/start-server.ts';
import { startStripeSimulator } from '../../src/testing/simulators/stripe/index.ts';

export interface DocsServer {
  readonly server: RunningServer;
  /** Working directory of the pages' commands; the server's data is in `data` there. */
  readonly folder: string;
  /** Runs commands in one bash. Resolves with what they printed; `code` 0 means that every one of them succeeded. */
  shell(commands: string): Promise<{ readonly code: number; readonly output: string }>;
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly text: string }>;
  close(): Promise<void>;
}

/** The address that the pages use. */
const DOCUMENTED = 'http://127.0.0.1:8080';

/** `files`: the project that the page builds; without any there is none. */
export async function startDocsServer(files: ReadonlyMap<string, string> = new Map()): Promise<DocsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-docs-'));
  writeProject(folder, files);
  const simulator = await startStripeSimulator();
  const server = await startServer({
    dataDir: join(folder, 'data'),
    host: '127.0.0.1',
    port: 0,
    stripeUpstream: simulator.url,
    stripeSecret: simulator.secret,
    ...(files.size > 0 && { project: { directory: folder } }),
  });
  return {
    server,
    folder,
    shell: (commands) => bash(commands.replaceAll(DOCUMENTED, server.url), folder),
    async call(method, path, body) {
      const reply = await fetch(server.url + path, {
        method,
        headers: { 'X-API-Key': server.localKey, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: reply.status, text: await reply.text() };
    },
    async close() {
      await server.close();
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function writeProject(folder: string, files: ReadonlyMap<string, string>): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function bash(commands: string, cwd: string): Promise<{ code: number; output: string }> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
