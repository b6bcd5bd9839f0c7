// The operator's routes, collected.
import type { ApiKeys } from '../../../access/api-keys.ts';
import type { Clock, Transactor } from '../../../orchestrator/ports.ts';
import type { Reads } from '../../../store/port.ts';
import type { Route } from '../../route.ts';
import { historyReadRoutes } from './history-reads.ts';
import { keyRoutes } from './keys.ts';
import { secretRoutes, type VendorSecrets } from './secrets.ts';

export interface AdminDeps {
  readonly keys: ApiKeys;
  readonly secrets: VendorSecrets;
  /** Names of the vendors that the vault speaks for. */
  readonly vendors: ReadonlySet<string>;
  readonly clock: Clock;
  readonly reads: Pick<Reads, 'historyReads'>;
  readonly transactor: Transactor;
}

export function adminRoutes(deps: AdminDeps): Route[] {
  return [
    ...keyRoutes(deps.keys, deps.clock),
    ...secretRoutes(deps.secrets, deps.vendors),
    ...historyReadRoutes(deps.reads, deps.transactor),
  ];
}
