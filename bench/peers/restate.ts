// Restate: one node as the npm package starts it, and a service of three durable steps. Each run is one POST at the
// ingress, answered when the handler has ended.
import { join } from 'node:path';
import { z } from 'zod';
import type { Contender, Site } from './contender.ts';
import { Post } from './post.ts';
import { freePort, install, Kept } from './processes.ts';

const PACKAGES = { '@restatedev/restate-server': '1.7.12', '@restatedev/restate-sdk': '1.17.2' };
export const RESTATE_VERSION = PACKAGES['@restatedev/restate-server'];
const COMPLETED =
  "select count(*) as n from sys_invocation where status = 'completed' and completion_result = 'success'";
const rowsSchema = z.object({ rows: z.array(z.object({ n: z.number() })) });

/**
 * A step is done for Restate when its log has it. Since 1.2 the log is the replicated loglet, also on one node, kept by
 * the log server in RocksDB; `log-server.rocksdb-disable-wal-fsync` is false unless set (docs.restate.dev/references/
 * server-config), so each batch is synced before it is acknowledged. Named here all the same, and proven below by the
 * counter of syncs. The store of the partition processors is rebuilt from the log and is not synced: its default too.
 */
const DURABLE = {
  RESTATE_BIFROST__DEFAULT_PROVIDER: 'replicated',
  RESTATE_LOG_SERVER__ROCKSDB_DISABLE_WAL: 'false',
  RESTATE_LOG_SERVER__ROCKSDB_DISABLE_WAL_FSYNC: 'false',
};
const QUIET = { RESTATE_DISABLE_TELEMETRY: 'true', RESTATE_LOG_FILTER: 'error', RESTATE_LISTEN_MODE: 'tcp' };

export async function openRestate({ folder, keep }: Site): Promise<Contender> {
  await install(folder, PACKAGES, ['restate.mjs']);
  const service = await freePort();
  keep(Kept.start('the Restate service', ['node', 'restate.mjs'], { cwd: folder, env: { BENCH_PORT: `${service}` } }));
  const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()];
  const ports = {
    RESTATE_BIND_IP: '127.0.0.1',
    RESTATE_BIND_PORT: `${node}`,
    RESTATE_INGRESS__BIND_PORT: `${ingress}`,
    RESTATE_ADMIN__BIND_PORT: `${admin}`,
  };
  const env = { ...DURABLE, ...QUIET, ...ports };
  const command = [join('node_modules', '.bin', 'restate-server'), '--base-dir', 'data', '--node-name', 'bench'];
  const server = keep(Kept.start('the Restate server', command, { cwd: folder, env }));
  const post = new Post(`http://127.0.0.1:${ingress}`);
  await server.until(() => deploy(admin, service));
  await server.until(() => post.three('/three/run').then(() => true));
  // The run that showed that it works, and what the tries before it may have left.
  const before = await count(admin, COMPLETED);
  return {
    once: () => post.three('/three/run'),
    completed: async () => (await count(admin, COMPLETED)) - before,
    durability: async () => {
      const syncs = await walSyncs(node);
      if (syncs === 0) throw new Error('Restate did not sync its log');
      return `log-server.rocksdb-disable-wal-fsync=false, ${syncs.toLocaleString('en')} syncs of the log's WAL`;
    },
    close: () => post.close(),
  };
}

async function deploy(admin: number, service: number): Promise<boolean> {
  const reply = await fetch(`http://127.0.0.1:${admin}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${service}` }),
  });
  await reply.arrayBuffer();
  return reply.ok;
}

async function count(admin: number, query: string): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${admin}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query }),
  });
  return rowsSchema.parse(await reply.json()).rows[0]?.n ?? 0;
}

async function walSyncs(node: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${node}/metrics`)).text();
  return Number(/^restate_rocksdb_wal_synced_total\{[^}]*db="log-server"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0);
}
