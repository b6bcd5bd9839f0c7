// What an orchestrator is opened with: everything that differs between a server, a replica and a test.
import type { DecideContext } from '../engine/decide/decision.ts';
import type { Freshness } from '../store/freshness.ts';
import type { Store } from '../store/port.ts';
import type { Loop } from './loop.ts';
import type { Clock, InProcessWorker, RunHooks } from './ports.ts';

export interface OrchestratorOptions {
  readonly loop: Loop;
  readonly store: Store;
  readonly clock: Clock;
  readonly hooks: RunHooks;
  readonly workers: readonly InProcessWorker[];
  /** Set in a shared store. */
  readonly freshness?: Freshness | null;
  /** Names this process among those of a shared store. */
  readonly processId?: string;
  readonly newId: () => string;
  readonly random: () => number;
  readonly script: DecideContext['script'];
  readonly limits?: Partial<OrchestratorLimits>;
  /** Told of an approval that has been opened, after its commit. At most once: not when the process ends in between. */
  readonly onApprovalAsked?: (taskId: string) => void;
  /** Told when the repair scan finds memory and store apart: a defect, to be logged. */
  readonly onDefect?: (what: string) => void;
}

export interface OrchestratorLimits {
  /** Open tasks held in memory over all cached runs before idle runs are dropped from the cache. */
  readonly cachedTasks: number;
  /** Task input or output over this fails the task; run input over this is refused (bytes of JSON). */
  readonly payloadBytesMax: number;
}
