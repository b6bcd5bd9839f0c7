// The package's root: a server to embed, the types of what it offers, and the address rules for one's own requests.
export type { Access, Principal } from './access/access.ts';
export type { ApiKeys, GeneratedKey, KeyRequest } from './access/api-keys.ts';
export { isURLSafe, validateURL } from './egress/create-egress.ts';
export type { ApiKeyRecord } from './model/api-key.ts';
export { AppError, type ErrorCode, type FieldError } from './model/error.ts';
export type { JsonObject, JsonValue } from './model/json.ts';
export type { StartRequest } from './model/start-request.ts';
export type { TaskDefinition } from './model/task-definition.ts';
export type { TaskResult } from './model/task-result.ts';
export type { WorkflowDefinition, WorkflowTask } from './model/workflow-definition.ts';
export type { HandedTask, Orchestrator, PollRequest, UpdateOutcome } from './orchestrator/orchestrator-api.ts';
export { jsonLog, type ServerLog } from './runtime/node/log.ts';
export {
  ConfigurationError,
  type RunningServer,
  type ServerOptions,
  startServer,
} from './runtime/node/start-server.ts';
