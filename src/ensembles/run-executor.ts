// The executor: ensembles and agents as runs of their definitions. Owns how an input becomes a run and an ended run an
// outcome. Must never tell a caller what an unforeseen error said: that stays in the history, under the execution's id.
import type { AgentDefinition } from '../model/agent.ts';
import type { Ensemble } from '../model/ensemble.ts';
import { AppError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import { splitOutput } from '../model/raw-value.ts';
import { type WorkflowDefinition, workflowDefinitionSchema } from '../model/workflow-definition.ts';
import type { Operation } from '../operations/operation.ts';
import type { Orchestrator } from '../orchestrator/orchestrator-api.ts';
import { recordCall } from './call-record.ts';
import type { CallContext, ExecuteOptions, ExecutionOutcome, Executor } from './executor.ts';
import { applyInputs } from './input-fields.ts';
import type { Project } from './project.ts';

export interface RunExecutorOptions {
  readonly orchestrator: Pick<Orchestrator, 'execute'>;
  readonly project: () => Project;
  readonly operations: ReadonlyMap<string, Operation>;
  /** UUIDs, ascending in time. */
  readonly newId: () => string;
}

/** How long a caller waits for a run that needs a worker elsewhere, unless told. */
const WAIT_MS = 120_000;

export function createRunExecutor(options: RunExecutorOptions): Executor {
  return {
    ensemble: (ensemble, input, call, execute) =>
      run(options, ensemble, applyInputs(ensemble.inputs, input), call, execute),
    agent: async (agentId, input, call, execute) => {
      const agent = options.project().agents.get(agentId);
      if (!agent) throw new AppError('not_found', `Agent not found: ${agentId}`);
      if (agent.operation === 'hitl') {
        throw new AppError(
          'invalid_request',
          `The agent ${agentId} waits for people: it works as a step of an ensemble only.`,
        );
      }
      const config = execute?.config ?? {};
      checkConfig(agent, config, options.operations);
      const how = { definition: loneStep(agent), durable: false, history: 'all' } as const;
      return run(options, how, { input, config }, call, execute);
    },
  };
}

function run(
  { newId, orchestrator }: RunExecutorOptions,
  { definition, durable, history }: Pick<Ensemble, 'definition' | 'durable' | 'history'>,
  input: JsonObject,
  call: CallContext,
  { detached = false, waitMs = WAIT_MS }: ExecuteOptions = {},
): Promise<ExecutionOutcome> {
  const id = newExecutionId(newId);
  const seen = orchestrator.execute({
    id,
    definition,
    input,
    variables: recordCall(call),
    createdBy: call.auth.user?.id ?? 'anonymous',
    durable,
    detached,
    waitMs,
    failuresOnly: history === 'failures',
  });
  return seen.then((found) => outcomeOf(id, found));
}

function outcomeOf(id: string, seen: Awaited<ReturnType<Orchestrator['execute']>>): ExecutionOutcome {
  if (!seen) return { kind: 'running', executionId: id, suspended: null };
  const { run: ended, suspendedBy, failedTask } = seen;
  if (suspendedBy) {
    const { output } = suspendedBy;
    return {
      kind: 'running',
      executionId: id,
      suspended: { step: suspendedBy.ref, taskId: suspendedBy.id, ...output.object },
    };
  }
  if (ended.status === 'COMPLETED') {
    const { body, response } = splitOutput(ended.output.object);
    return { kind: 'completed', executionId: id, output: body, response };
  }
  const told = failedTask?.output.object.error;
  const agent = failedTask?.step ?? null;
  const message =
    typeof told === 'string' ? told : agent ? `The step ${agent} failed.` : `The execution ended as ${ended.status}.`;
  return { kind: 'failed', executionId: id, message, agent };
}

/** `req_` and 32 hexadecimal digits, ascending in time. */
export function newExecutionId(newId: () => string): string {
  return `req_${newId().replaceAll('-', '')}`;
}

/** One definition per agent, so that it is compiled once. */
const lone = new WeakMap<AgentDefinition, WorkflowDefinition>();

function loneStep(agent: AgentDefinition): WorkflowDefinition {
  const known = lone.get(agent);
  if (known) return known;
  const definition = workflowDefinitionSchema.parse({
    name: `agent/${agent.id}`,
    expressionLanguage: 'ensemble',
    metadata: { kind: 'agent' },
    tasks: [
      {
        type: 'AGENT',
        name: agent.id,
        taskReferenceName: agent.name,
        inputParameters: { agent: agent.id, input: '${input.input}', config: '${input.config}' },
      },
    ],
  });
  lone.set(agent, definition);
  return definition;
}

/** Overrides are checked before anything runs, where no expression stands in the way. */
function checkConfig(agent: AgentDefinition, config: JsonObject, operations: ReadonlyMap<string, Operation>): void {
  if (Object.keys(config).length === 0) return;
  const operation = operations.get(agent.operation);
  const text = JSON.stringify(agent.config);
  if (!operation || text.includes('${') || text.includes('{{')) return;
  const parsed = operation.config.safeParse({ ...agent.config, ...config });
  if (parsed.success) return;
  const fields = parsed.error.issues.map((issue) => ({
    path: ['config', ...issue.path].join('.'),
    message: issue.message,
  }));
  throw new AppError('invalid_request', `The config is not valid: ${fields[0]?.message ?? ''}`, fields);
}
