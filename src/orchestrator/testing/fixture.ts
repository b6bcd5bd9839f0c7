// A whole orchestrator on a real database in a temporary folder, for tests of the loop and of what hangs on it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { loadScriptRunner } from '../../expressions/javascript.ts';
import { startRequestSchema } from '../../model/start-request.ts';
import { taskDefinitionSchema } from '../../model/task-definition.ts';
import { taskResultSchema } from '../../model/task-result.ts';
import { workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { createSqliteStore } from '../../store/sqlite/store.ts';
import { Loop } from '../loop.ts';
import { createOrchestrator } from '../orchestrator.ts';
import type { Orchestrator } from '../orchestrator-api.ts';
import type { OrchestratorLimits } from '../orchestrator-options.ts';
import type { InProcessWorker, RunHooks } from '../ports.ts';

export const NO_HOOKS: RunHooks = {
  check: () => undefined,
  started: () => undefined,
  ended: () => undefined,
  fill: (input) => input,
  conceal: (document) => document,
  concealText: (text) => text,
};

export interface FixtureOptions {
  readonly hooks?: RunHooks;
  readonly workers?: readonly InProcessWorker[];
  readonly limits?: Partial<OrchestratorLimits>;
}

/** `reopen` closes everything and starts again on the same file, as a restart would. */
export async function openFixture(options: FixtureOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-'));
  const path = join(folder, 'test.db');
  let parts = await open(path, options);
  return {
    get orchestrator() {
      return parts.orchestrator;
    },
    get store() {
      return parts.store;
    },
    get loop() {
      return parts.loop;
    },
    async reopen() {
      await close(parts);
      parts = await open(path, options);
    },
    async close() {
      await close(parts);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function open(path: string, options: FixtureOptions) {
  const store = await createSqliteStore({ path });
  const clock = { now: () => Date.now() };
  const loop = new Loop(store, clock);
  const orchestrator = await createOrchestrator({
    loop,
    store,
    clock,
    hooks: options.hooks ?? NO_HOOKS,
    workers: options.workers ?? [],
    newId: uuidv7,
    random: Math.random,
    script: await loadScriptRunner(),
    ...(options.limits ? { limits: options.limits } : {}),
  });
  return { store, loop, orchestrator };
}

async function close(parts: Awaited<ReturnType<typeof open>>): Promise<void> {
  await parts.orchestrator.stop();
  await parts.store.close();
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
