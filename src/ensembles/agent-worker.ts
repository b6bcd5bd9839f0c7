// Runs AGENT tasks inside the process: finds the agent, puts its config and context together, runs its operation, and
// turns what comes of it into a result. Must never throw, never keep anything between two calls, and never let a secret
// of the environment into a result's reason by itself.
import type { SafeFetch } from '../egress/egress.ts';
import { fillEnvText } from '../expressions/ensemble/env.ts';
import { ExpressionError } from '../expressions/ensemble/expression-error.ts';
import type { AgentDefinition } from '../model/agent.ts';
import { AppError } from '../model/error.ts';
import { EMPTY_OBJECT, isJsonObject, Json, type JsonObject, type JsonValue } from '../model/json.ts';
import { packOutput } from '../model/raw-value.ts';
import type { Run } from '../model/run.ts';
import { AgentError, type AgentLogger, type Operation, type OperationServices } from '../operations/operation.ts';
import type { InProcessResult, InProcessWorker } from '../orchestrator/ports.ts';
import { agentConfig } from './agent-config.ts';
import { type AgentCall, AgentContext, Deadline } from './agent-context.ts';
import { fillEnvironment } from './agent-environment.ts';
import { isExecution } from './call-record.ts';
import { hideSecrets } from './hide-secrets.ts';
import type { Project } from './project.ts';
import { validateAgainst } from './validate-against.ts';

export interface AgentWorkerOptions {
  readonly project: () => Project;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly services: OperationServices;
  /** The requests of one agent: behind the address rules unless it says otherwise. */
  readonly fetchFor: (agent: AgentDefinition) => SafeFetch;
  /** What agents may see of the environment. */
  readonly env: () => Readonly<Record<string, string | undefined>>;
  readonly logger: (agent: AgentDefinition, run: Run) => AgentLogger;
  readonly clock: { now(): number };
  /**
   * Whether a definition that is not the project's own may run it. Whoever may start workflows writes those, so this is
   * the rule for executing agents over the API. Absent: any.
   */
  readonly mayRunAlone?: (agent: AgentDefinition) => boolean;
  /** The permission that such a run lacks for an agent, whether there is one of that name or not; null: none. */
  readonly missingPermission?: (agentId: string, run: Run) => string | null;
  /** Of agents that say nothing themselves. */
  readonly defaultTimeoutMs: number;
  /** Executions of agents at a time, for runs that wait in the store's queue. */
  readonly concurrency?: number;
}

interface Call extends AgentCall {
  readonly operation: Operation;
}

export function createAgentWorker(options: AgentWorkerOptions): InProcessWorker {
  return {
    queue: 'AGENT',
    concurrency: options.concurrency ?? 256,
    execute(_task, run, input, stop, outputs) {
      const failed = (error: unknown) => {
        const agent = options.project().agents.get(String(input.object.agent ?? ''));
        return failure(error, (text) => hideSecrets(text, agent, input.object, options.env()));
      };
      try {
        const call = prepare(options, run, input.object);
        const { agent, operation } = call;
        const { clock, services } = options;
        const deadline = new Deadline(agent.timeoutMs ?? options.defaultTimeoutMs, stop);
        const fetch = options.fetchFor(agent);
        const logger = () => options.logger(agent, run);
        const context = new AgentContext(call, { run, fetch, logger, clock, services, outputs, deadline });
        const value = deadline.hold(() => operation.run(context));
        // What is there at once is not waited for: a promise would cost more than most handlers do.
        if (!(value instanceof Promise)) return completed(agent, value, context);
        return value.then((waited) => completed(agent, waited, context)).catch(failed);
      } catch (error) {
        return failed(error);
      }
    },
  };
}

function completed(agent: AgentDefinition, value: JsonValue, { statePatch }: AgentContext): InProcessResult {
  const output = Json.of(packOutput(checked(agent, 'output', value)));
  return { status: 'COMPLETED', output, reason: null, ...(statePatch && { statePatch }) };
}

function prepare(options: AgentWorkerOptions, run: Run, taskInput: JsonObject): Call {
  const id = String(taskInput.agent ?? '');
  const isOwn = isExecution(run);
  const missing = isOwn ? null : options.missingPermission?.(id, run);
  if (missing) throw new AgentError(`Missing required permission: ${missing}`, false);
  const agent = options.project().agents.get(id);
  if (!agent) throw new AgentError(`There is no agent ${id}.`, false);
  if (!isOwn && options.mayRunAlone?.(agent) === false) {
    throw new AgentError(`Agent ${id} may be run by ensembles of the project only.`, false);
  }
  const operation = options.operations.get(agent.operation);
  if (!operation) throw new AgentError(`Agent ${id} has the unknown operation ${agent.operation}.`, false);
  const env = options.env();
  const filled = isOwn ? fillEnvironment(taskInput, (text) => fillEnvText(text, env)) : taskInput;
  const input = checked(agent, 'input', filled.input ?? null);
  const config = agentConfig(agent, operation, asObject(filled.config ?? null), input, env);
  return { agent, operation, input, env, config };
}

function checked(agent: AgentDefinition, side: 'input' | 'output', value: JsonValue): JsonValue {
  const schema = agent.schema[side];
  const fault = schema === null ? null : validateAgainst(schema, value);
  if (fault) throw new AgentError(`The ${side} of agent ${agent.id} is not as its schema says: ${fault}`, false);
  return value;
}

/** `output.error` is what callers are told; the reason of an unforeseen error stays in the history. */
function failure(error: unknown, shown: (text: string) => string): InProcessResult {
  const message = shown(error instanceof Error ? error.message : String(error));
  const foreseen = error instanceof AgentError || error instanceof AppError || error instanceof ExpressionError;
  const terminal = foreseen && !(error instanceof ExpressionError ? false : error.retryable);
  return {
    status: terminal ? 'FAILED_WITH_TERMINAL_ERROR' : 'FAILED',
    output: foreseen ? Json.of({ error: message }) : EMPTY_OBJECT,
    reason: message,
  };
}

function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
