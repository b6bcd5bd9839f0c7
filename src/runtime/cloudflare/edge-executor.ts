// Executions at the edge: a run plays in memory from its start to its end, within the request that asked for it, and is
// kept nowhere. What would have to wait for somebody or something outside is refused before its first step begins. Must
// never answer for a run that has not ended.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { DecideContext } from '../../engine/decide/decision.ts';
import { compilePlan } from '../../engine/plan/compile.ts';
import type { Plan } from '../../engine/plan/plan.ts';
import { AppError } from '../../model/error.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';
import { MemoryRun } from '../../orchestrator/memory-run.ts';
import type { Orchestrator } from '../../orchestrator/orchestrator-api.ts';
import type { Clock, InProcessWorker } from '../../orchestrator/ports.ts';
import { settledView } from '../../orchestrator/run-watch.ts';
import type { ServerLog } from '../log.ts';
import { createNewId } from '../new-id.ts';

export interface EdgeRunsOptions {
  readonly workers: readonly InProcessWorker[];
  readonly clock: Clock;
  readonly planOf: (definition: WorkflowDefinition) => Plan;
  /** Told why a run failed: there is no history that would say it. */
  readonly log: Pick<ServerLog, 'error'>;
}

/** As a server's. */
const PAYLOAD_BYTES_MAX = 10 * 1024 * 1024;
/** Steps that play in memory; every other one needs a worker, a person, a timer or a run elsewhere. */
const PLAYABLE: ReadonlySet<string> = new Set([
  ...['AGENT', 'FORK_JOIN', 'FORK_JOIN_DYNAMIC', 'JOIN', 'EXCLUSIVE_JOIN', 'SWITCH', 'DECISION', 'DO_WHILE'],
  ...['SET_VARIABLE', 'NOOP', 'TERMINATE', 'DYNAMIC'],
]);

/** One plan per definition, which is the same object for every run of it. */
export function createPlans(): EdgeRunsOptions['planOf'] {
  const plans = new WeakMap<WorkflowDefinition, Plan>();
  return (definition) => {
    let plan = plans.get(definition);
    if (!plan) {
      plan = compilePlan(definition, {}, snapshotId(definition));
      plans.set(definition, plan);
    }
    return plan;
  };
}

export function createEdgeRuns({ workers, clock, planOf, log }: EdgeRunsOptions): Pick<Orchestrator, 'execute'> {
  const ports = {
    clock,
    context: decideContext(),
    newRunRowId: counter(),
    workers: new Map(workers.map((worker) => [worker.queue, worker])),
    hooks: { conceal: <T>(document: T) => document, concealText: (text: string) => text },
    payloadBytesMax: PAYLOAD_BYTES_MAX,
  };
  return {
    async execute(request) {
      const { definition, detached, durable, waitMs } = request;
      const plan = planOf(definition);
      const outside = durable ? 'it is durable' : detached ? 'its trigger is async' : needsOutside(plan);
      if (outside) throw needsServer(definition.name, outside);
      const memory = new MemoryRun(ports, plan, request);
      await inTime(memory.play(), waitMs);
      const { run, tasks } = memory.state;
      const view = settledView(run, tasks.values());
      if (view && !view.suspendedBy) {
        const { failedTask } = view;
        if (failedTask) {
          const { ref: step, reason } = failedTask;
          log.error('an execution failed', { executionId: run.id, name: definition.name, step, reason });
        }
        return view;
      }
      throw needsServer(definition.name, 'one of its steps has to wait');
    },
  };
}

/** Why a definition cannot be played here; null when it can, as far as can be told before it runs. */
export function needsOutside({ definition, steps }: Pick<Plan, 'definition' | 'steps'>): string | null {
  if (definition.budget) return 'it has a budget, which the vault keeps';
  for (const { ref, type } of steps.values()) {
    if (!PLAYABLE.has(type)) return `its step ${ref} (${type}) has to wait for something outside`;
  }
  return null;
}

function needsServer(name: string, why: string): AppError {
  return new AppError(
    'not_implemented',
    `${name} cannot run at the edge: ${why}, and durable executions need a server (conductor start).`,
  );
}

/** Throws AppError execution_timeout when the time is over first: what still runs ends with its request. */
async function inTime(played: Promise<void>, waitMs: number): Promise<void> {
  if (waitMs <= 0) return played;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `The execution took longer than ${waitMs} ms and was given up.`;
    timer = setTimeout(() => reject(new AppError('execution_timeout', message)), waitMs);
  });
  return Promise.race([played, late]).finally(() => clearTimeout(timer));
}

function decideContext(): Omit<DecideContext, 'now'> {
  return {
    newRowId: counter(),
    newId: createNewId(),
    random: Math.random,
    domainOf: () => null,
    // The sandbox is WebAssembly made at run time, which Workers do not allow.
    script: () => ({ ok: false, error: 'Scripts (INLINE, evaluatorType javascript) need a server: conductor start.' }),
  };
}

function snapshotId(definition: WorkflowDefinition): string {
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify({ definition, taskDefinitions: {} })))).slice(0, 32);
}

function counter(): () => number {
  let last = 0;
  return () => {
    last += 1;
    return last;
  };
}
