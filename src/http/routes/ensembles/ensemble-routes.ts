// All routes of `/api/v1` that execute and describe ensembles and agents.
import type { Route } from '../../route.ts';
import { catalogRoutes } from './catalog.ts';
import type { EnsembleDeps } from './deps.ts';
import { executeRoutes } from './execute-routes.ts';
import { executionRoutes } from './executions.ts';

export function ensembleRoutes(deps: EnsembleDeps): Route[] {
  return [...executeRoutes(deps), ...catalogRoutes(deps), ...executionRoutes(deps)];
}
