// What the routes of ensembles and agents are built from.
import type { Access } from '../../../access/access.ts';
import type { Executor } from '../../../ensembles/executor.ts';
import type { Project } from '../../../ensembles/project.ts';
import type { Orchestrator } from '../../../orchestrator/orchestrator-api.ts';
import type { Reads } from '../../../store/reads.ts';
import type { VisitorSource } from '../../../visitor/visitor.ts';
import type { RecordRead } from '../../history-reads.ts';

export interface ExecutePolicy {
  /** Asks for `ensemble:<name>:execute` or `agent:<name>:execute` on top of a credential. */
  readonly autoPermissions: boolean;
  readonly allowDirectAgentExecution: boolean;
  /** True: only what says `apiExecutable: true` may be executed. */
  readonly requireExplicit: { readonly agents: boolean; readonly ensembles: boolean };
}

export interface EnsembleDeps {
  /** As it is now: a reload replaces it. */
  readonly project: () => Project;
  readonly executor: Executor;
  readonly access: Access;
  readonly policy: ExecutePolicy;
  readonly visitor: VisitorSource;
  readonly orchestrator: Pick<Orchestrator, 'terminate'>;
  readonly reads: Pick<Reads, 'run'>;
  /** Notes who looked at an execution's result. */
  readonly recordRead: RecordRead;
  readonly clock: { now(): number };
  /** Answered by `GET /`. */
  readonly version: string;
  /** Names the ensemble and the execution in reply headers. */
  readonly debugHeaders?: boolean;
}
