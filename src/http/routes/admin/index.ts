// The operator's routes, collected.
import type { ApiKeys } from '../../../access/api-keys.ts';
import type { Clock, Transactor } from '../../../orchestrator/ports.ts';
import type { Reads } from '../../../store/reads.ts';
import type { Route } from '../../route.ts';
import { historyReadRoutes } from './history-reads.ts';
import { keyRoutes } from './keys.ts';

export interface AdminDeps {
  readonly keys: ApiKeys;
  readonly clock: Clock;
  readonly reads: Pick<Reads, 'historyReads'>;
  readonly transactor: Transactor;
}

export function adminRoutes(deps: AdminDeps): Route[] {
  return [...keyRoutes(deps.keys, deps.clock), ...historyReadRoutes(deps.reads, deps.transactor)];
}
