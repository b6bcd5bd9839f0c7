// What the Conductor routes are built from.
import type { Access, Principal } from '../../../access/access.ts';
import type { Orchestrator } from '../../../orchestrator/orchestrator-api.ts';
import type { Reads } from '../../../store/reads.ts';
import type { RecordRead } from '../../history-reads.ts';
import type { RunRenderer } from '../../wire/run-renderer.ts';
import type { Permissions } from './permissions.ts';

export interface ConductorDeps {
  readonly orchestrator: Orchestrator;
  readonly reads: Reads;
  readonly access: Access;
  /** Notes who looked at an execution's history. `route` is a template: `GET /api/workflow/:id`. */
  readonly recordRead: RecordRead;
  /** What a run keeps of what its starter may do with agents. Absent: nothing, for nobody will ask. */
  readonly agentGrants?: (starter: Principal) => readonly string[];
  /** Answered by /api/version. */
  readonly version: string;
  /** Of the project, told by /health. */
  readonly projectVersion?: string | null;
}

/** The same, with what the routes share among themselves. */
export interface RouteDeps extends ConductorDeps {
  readonly permissions: Permissions;
  readonly renderer: RunRenderer;
}
