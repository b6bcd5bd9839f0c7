// A project in a temporary directory and a server over it, as a user would have them: files in, HTTP out.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { type RunningServer, type ServerOptions, startServer } from '../../src/index.ts';

export interface Site {
  readonly url: string;
  readonly directory: string;
  readonly server: RunningServer;
  /** Log lines as objects. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** A live API key with these permissions. */
  key(...permissions: string[]): Promise<string>;
  write(path: string, text: string): void;
  close(): Promise<void>;
}

const open: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const close of open.splice(0)) await close();
});

export function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** Closed when the test file ends, if not before. */
export async function openSite(
  files: Readonly<Record<string, string>>,
  options: Partial<ServerOptions> = {},
): Promise<Site> {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-site-'));
  writeFiles(directory, files);
  const log: Record<string, unknown>[] = [];
  const note = (level: string) => (message: string, details?: Readonly<Record<string, unknown>>) => {
    log.push({ level, message, ...details });
  };
  const server = await startServer({
    dataDir: join(directory, 'data'),
    port: 0,
    project: { directory },
    log: { info: note('info'), warn: note('warn'), error: note('error') },
    ...options,
  });
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  };
  open.push(close);
  return {
    url: server.url,
    directory,
    server,
    log,
    get: (path, headers = {}) => fetch(server.url + path, { headers, redirect: 'manual' }),
    post: (path, body, headers = {}) =>
      fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        redirect: 'manual',
      }),
    key: async (...permissions) => (await server.access.generateKey({ name: 'test', permissions, expiresMs: 0 })).key,
    write: (path, text) => writeFiles(directory, { [path]: text }),
    close,
  };
}

interface Body {
  readonly message?: string;
  readonly data?: unknown;
  readonly output?: unknown;
  readonly metadata?: { readonly executionId: string };
  readonly executionId?: string;
}

export async function bodyOf(response: Response): Promise<Body> {
  return JSON.parse(await response.text());
}
