// All routes of the Conductor API, as data.
import type { Route } from '../../route.ts';
import { createRunRenderer } from '../../wire/run-renderer.ts';
import type { ConductorDeps, RouteDeps } from './deps.ts';
import { eventHandlerRoutes } from './event-handlers.ts';
import { createPermissions } from './permissions.ts';
import { scheduleRoutes } from './schedules.ts';
import { scheduleAdminRoutes } from './schedules-admin.ts';
import { scheduleExecutionRoutes } from './schedules-executions.ts';
import { scheduleReadRoutes } from './schedules-read.ts';
import { serverRoutes } from './server.ts';
import { taskDefinitionRoutes } from './task-definitions.ts';
import { taskPollRoutes } from './task-poll.ts';
import { taskQueueRoutes } from './task-queues.ts';
import { taskReadRoutes } from './task-read.ts';
import { taskSearchRoutes } from './task-search.ts';
import { taskSignalRoutes } from './task-signal.ts';
import { taskUpdateRoutes } from './task-update.ts';
import { workflowAgainRoutes } from './workflow-again.ts';
import { workflowBulkRoutes } from './workflow-bulk.ts';
import { workflowControlRoutes } from './workflow-control.ts';
import { workflowDefinitionRoutes } from './workflow-definitions.ts';
import { workflowExecuteRoutes } from './workflow-execute.ts';
import { workflowReadRoutes } from './workflow-read.ts';
import { workflowSearchRoutes } from './workflow-search.ts';
import { workflowStartRoutes } from './workflow-start.ts';
import { workflowStateRoutes } from './workflow-state.ts';
import { workflowTestRoutes } from './workflow-test.ts';

export type { ConductorDeps } from './deps.ts';

export function conductorRoutes(deps: ConductorDeps): Route[] {
  const shared: RouteDeps = {
    ...deps,
    permissions: createPermissions(deps),
    renderer: createRunRenderer(deps.orchestrator, deps.reads),
  };
  return [
    ...workflowDefinitionRoutes(shared),
    ...taskDefinitionRoutes(shared),
    ...eventHandlerRoutes(shared),
    ...workflowStartRoutes(shared),
    ...workflowReadRoutes(shared),
    ...workflowSearchRoutes(shared),
    ...workflowExecuteRoutes(shared),
    ...workflowControlRoutes(shared),
    ...workflowAgainRoutes(shared),
    ...workflowStateRoutes(shared),
    ...workflowTestRoutes(shared),
    ...workflowBulkRoutes(shared),
    ...taskPollRoutes(shared),
    ...taskUpdateRoutes(shared),
    ...taskSignalRoutes(shared),
    ...taskReadRoutes(shared),
    ...taskSearchRoutes(shared),
    ...taskQueueRoutes(shared),
    ...scheduleRoutes(shared),
    ...scheduleReadRoutes(shared),
    ...scheduleExecutionRoutes(shared),
    ...scheduleAdminRoutes(shared),
    ...serverRoutes(shared),
  ];
}
