// For tests of the Conductor routes: everything behind them is real (SQLite file, loop, engine, access), nothing is
// listening; requests go through Hono's own entrance.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import type { Access } from '../../../access/access.ts';
import { Loop } from '../../../orchestrator/loop.ts';
import { createOrchestrator } from '../../../orchestrator/orchestrator.ts';
import type { Orchestrator } from '../../../orchestrator/orchestrator-api.ts';
import { NO_HOOKS } from '../../../orchestrator/testing/fixture.ts';
import type { Store } from '../../../store/port.ts';
import { createSqliteStore } from '../../../store/sqlite/store.ts';
import { accessWith, ROOT } from '../../access.fixture.ts';
import { createApp } from '../../app.ts';
import { createHistoryReads } from '../../history-reads.ts';
import type { Route } from '../../route.ts';
import { conductorRoutes } from './conductor-routes.ts';

export type Answer = Awaited<ReturnType<typeof answer>>;

export interface TestConductor {
  readonly store: Store;
  readonly orchestrator: Orchestrator;
  readonly access: Access;
  readonly routes: readonly Route[];
  call(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  /** The same with a body that is sent as it is. */
  send(method: string, path: string, body: string | ReadableStream, key?: string): Promise<Answer>;
  stop(): Promise<void>;
}

/** `keys`: further API keys as text -> permissions; calls use the root key unless told. */
export async function openConductor(keys: Readonly<Record<string, readonly string[]>> = {}): Promise<TestConductor> {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-http-'));
  const clock = { now: () => Date.now() };
  const store = await createSqliteStore({ path: join(folder, 'test.db') });
  const loop = new Loop(store, clock);
  const orchestrator = await createOrchestrator({
    loop,
    store,
    clock,
    hooks: NO_HOOKS,
    workers: [],
    newId: uuidv7,
    random: Math.random,
    script: () => ({ ok: false, error: 'no scripts here' }),
  });
  const access = await accessWith(keys, clock);
  const routes = conductorRoutes({
    orchestrator,
    reads: store.reads,
    access,
    recordRead: createHistoryReads(loop),
    version: '9.9.9',
  });
  const app = createApp({ routes, access });

  const send: TestConductor['send'] = async (method, path, body, key = ROOT) => {
    const headers = { 'x-api-key': key, 'content-type': 'application/json' };
    const init = method === 'GET' ? { method, headers } : { method, headers, body, duplex: 'half' as const };
    return answer(await app.request(path, init));
  };

  return {
    store,
    orchestrator,
    access,
    routes,
    send,
    call: (method, path, body, key) => send(method, path, body === undefined ? '' : JSON.stringify(body), key),
    async stop() {
      await orchestrator.stop();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function answer(response: Response) {
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    length: response.headers.get('content-length'),
    text,
    /** The body as JSON; fails the test when it is not. */
    get json() {
      return JSON.parse(text);
    },
  };
}

/** A definition of SIMPLE tasks, one after another, each with the input of the execution. */
export function sequence(name: string, ...taskNames: string[]) {
  return {
    name,
    version: 1,
    tasks: taskNames.map((taskName, i) => ({
      name: taskName,
      taskReferenceName: `${taskName}_${i + 1}`,
      type: 'SIMPLE',
      inputParameters: { given: '${workflow.input}' },
    })),
  };
}
