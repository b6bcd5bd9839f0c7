// A whole orchestrator on a real database, for tests of the loop and of what hangs on it.
import { uuidv7 } from 'uuidv7';
import { loadScriptRunner } from '../../expressions/javascript.ts';
import { startRequestSchema } from '../../model/start-request.ts';
import { taskDefinitionSchema } from '../../model/task-definition.ts';
import { taskResultSchema } from '../../model/task-result.ts';
import { workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { Freshness } from '../../store/freshness.ts';
import { Loop } from '../loop.ts';
import { createOrchestrator } from '../orchestrator.ts';
import type { Orchestrator } from '../orchestrator-api.ts';
import type { OrchestratorLimits } from '../orchestrator-options.ts';
import type { Clock, InProcessWorker, RunHooks } from '../ports.ts';
import { type Storage, sqliteStorage } from './storage.ts';

export const NO_HOOKS: RunHooks = {
  check: () => undefined,
  started: () => undefined,
  ended: () => undefined,
  reopening: async () => () => undefined,
  prepare: () => undefined,
  fill: (input) => input,
  conceal: (document) => document,
  concealText: (text) => text,
};

export interface FixtureOptions {
  /** SQLite unless given. */
  readonly storage?: () => Promise<Storage>;
  readonly hooks?: RunHooks;
  readonly workers?: readonly InProcessWorker[];
  readonly limits?: Partial<OrchestratorLimits>;
  /** The machine's unless given. */
  readonly clock?: Clock;
}

export type Replica = Awaited<ReturnType<typeof openReplica>>;

/** `reopen` closes everything and starts again on the same data, as a restart would. */
export async function openFixture(options: FixtureOptions = {}) {
  const storage = await (options.storage ?? sqliteStorage)();
  let replica = await openReplica(storage, options);
  return {
    get orchestrator() {
      return replica.orchestrator;
    },
    get store() {
      return replica.store;
    },
    get loop() {
      return replica.loop;
    },
    async reopen() {
      await replica.close();
      replica = await openReplica(storage, options);
    },
    async close() {
      await replica.close();
      await storage.dispose();
    },
  };
}

let replicas = 0;
/** One for all of a test file: it keeps nothing between scripts, and takes long to make. */
let script: ReturnType<typeof loadScriptRunner> | undefined;

/** One process' worth of an orchestrator, on data that others may have open too. */
export async function openReplica(storage: Storage, options: FixtureOptions = {}) {
  const store = await storage.open();
  const { clock = { now: () => Date.now() } } = options;
  const faults: unknown[] = [];
  const loop = new Loop(store, clock, (error) => faults.push(error));
  const processId = `replica-${++replicas}`;
  script ??= loadScriptRunner();
  const orchestrator = await createOrchestrator({
    loop,
    store,
    clock,
    hooks: options.hooks ?? NO_HOOKS,
    workers: options.workers ?? [],
    freshness: store.shared && (await Freshness.open(store.shared)),
    processId,
    newId: uuidv7,
    random: Math.random,
    script: await script,
    ...(options.limits ? { limits: options.limits } : {}),
  });
  return {
    store,
    loop,
    orchestrator,
    processId,
    faults,
    async close() {
      await orchestrator.stop();
      await store.close();
    },
  };
}

export async function register(orchestrator: Orchestrator, definition: unknown, ...tasks: unknown[]): Promise<void> {
  await orchestrator.putTaskDefinitions(tasks.map((task) => taskDefinitionSchema.parse(task)));
  await orchestrator.putDefinition(workflowDefinitionSchema.parse(definition), 'overwrite');
}

export function start(orchestrator: Orchestrator, request: unknown): Promise<string> {
  return orchestrator.start(startRequestSchema.parse(request));
}

export function report(orchestrator: Orchestrator, result: unknown, andPoll = false) {
  return orchestrator.update(taskResultSchema.parse(result), andPoll);
}

export function pollOf(
  orchestrator: Orchestrator,
  taskType: string,
  count = 1,
  timeoutMs = 0,
  domain: string | null = null,
) {
  return orchestrator.poll({ taskType, workerId: 'w', domain, count, timeoutMs });
}
