// Our server as a user starts it, with the command line that was just built, on either store.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PeerDatabase, Site } from './contender.ts';
import { answers, freePort, Kept } from './processes.ts';

export type OwnStore = 'sqlite' | 'postgres';

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const CLI = fileURLToPath(new URL(`../../src/cli/main.${extension}`, import.meta.url));

export interface OurServer {
  readonly url: string;
  readonly key: string;
  durability(): Promise<string>;
}

export async function startOurs(site: Site, store: OwnStore, upstream = ''): Promise<OurServer> {
  const { folder, keep } = site;
  const database = store === 'postgres' ? await site.database(`ours_${upstream ? 'calls' : 'runs'}`) : null;
  const port = await freePort();
  const flags = ['--data', folder, '--host', '127.0.0.1', '--port', `${port}`];
  if (database) flags.push('--database', database.url);
  if (upstream) flags.push('--stripe-upstream', upstream);
  const env = {
    CONDUCTOR_MASTER_KEY: randomBytes(32).toString('base64'),
    ...(upstream ? { CONDUCTOR_STRIPE_SECRET: 'sk_test_bench' } : {}),
  };
  const url = `http://127.0.0.1:${port}`;
  const command = [process.execPath, ...process.execArgv, CLI, 'start', ...flags];
  const server = keep(Kept.start(`our server on ${store}`, command, { env }));
  await server.until(() => answers(`${url}/health`));
  return { url, key: readFileSync(join(folder, 'local.key'), 'utf8').trim(), durability: () => durability(database) };
}

async function durability(database: PeerDatabase | null): Promise<string> {
  return database ? database.durability() : 'WAL with synchronous=FULL: each batch is flushed before its answers';
}
