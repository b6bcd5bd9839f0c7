// The package's root: a server to embed, the types of what it offers, configuration, and requests behind the address rules.
export type { Access, Principal } from './access/access.ts';
export type { ApiKeys, GeneratedKey, KeyRequest } from './access/api-keys.ts';
export type { CustomValidator, GuardedRequest } from './access/guard.ts';
export type { ConductorConfig } from './config/config-schema.ts';
export { defineConfig } from './config/define-config.ts';
export { isURLSafe, safeFetch, validateURL } from './egress/default-egress.ts';
export type { Bypass, SafeFetch, SafeFetchInit } from './egress/egress.ts';
export type { CallContext, ExecuteOptions, ExecutionOutcome, Executor } from './ensembles/executor.ts';
export type { Problem, Project } from './ensembles/project.ts';
export type { ApiKeyRecord } from './model/api-key.ts';
export { AppError, type ErrorCode, type FieldError } from './model/error.ts';
export type { JsonObject, JsonValue } from './model/json.ts';
export type { StartRequest } from './model/start-request.ts';
export type { TaskDefinition } from './model/task-definition.ts';
export type { TaskResult } from './model/task-result.ts';
export type { WorkflowDefinition, WorkflowTask } from './model/workflow-definition.ts';
export type { AgentExecutionContext, AgentHandler, AuthContext } from './operations/operation.ts';
export type { HandedTask, Orchestrator, PollRequest, UpdateOutcome } from './orchestrator/orchestrator-api.ts';
export { jsonLog, type ServerLog } from './runtime/log.ts';
export {
  ConfigurationError,
  type RunningServer,
  type ServerOptions,
  startServer,
} from './runtime/node/start-server.ts';
export type { TriggerMiddleware } from './triggers/middleware/registry.ts';
export type { EdgeContext, LocationContext } from './visitor/visitor.ts';
