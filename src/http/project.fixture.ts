// For tests of routes and triggers: a project in memory, and an executor that is not the subject. It keeps what it was
// asked and answers what the test says.
import type { CallContext, ExecuteOptions, ExecutionOutcome, Executor } from '../ensembles/executor.ts';
import type { Project } from '../ensembles/project.ts';
import type { AgentDefinition } from '../model/agent.ts';
import type { Ensemble } from '../model/ensemble.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { HttpTrigger, Trigger, WebhookTrigger } from '../model/trigger.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';

const POSITION = { file: 'ensembles/test.yaml', line: 3, column: 5 };

export function ensemble(name: string, rest: Partial<Ensemble> = {}): Ensemble {
  return {
    name,
    description: null,
    apiExecutable: undefined,
    inputs: [],
    triggers: [],
    definition: workflowDefinitionSchema.parse({
      name,
      version: 1,
      tasks: [{ name: 'a', taskReferenceName: 'a', type: 'SIMPLE' }],
    }),
    agents: new Map(),
    durable: false,
    history: 'all',
    origin: 'file',
    position: POSITION,
    ...rest,
  };
}

export function agent(id: string, rest: Partial<AgentDefinition> = {}): AgentDefinition {
  return {
    id,
    name: id,
    operation: 'code',
    description: null,
    config: { secret: '${env.SECRET}' },
    schema: { input: null, output: null },
    apiExecutable: undefined,
    ssrf: true,
    timeoutMs: 1000,
    handler: null,
    origin: 'file',
    position: null,
    ...rest,
  };
}

export function project(ensembles: readonly Ensemble[], agents: readonly AgentDefinition[] = []): Project {
  return {
    ensembles: new Map(ensembles.map((one) => [one.name, one])),
    agents: new Map(agents.map((one) => [one.id, one])),
    problems: [],
  };
}

const MOUNTED = {
  auth: null,
  permissions: [],
  roles: [],
  async: false,
  mode: 'trigger',
  timeoutMs: null,
  position: POSITION,
} as const;

export function httpTrigger(path: string, rest: Partial<HttpTrigger> = {}): HttpTrigger {
  const paths = [{ path, methods: ['GET', 'POST'] as const }];
  return { ...MOUNTED, type: 'http', paths, rateLimit: null, cors: null, cache: null, middleware: [], ...rest };
}

export function webhookTrigger(path: string, rest: Partial<WebhookTrigger> = {}): WebhookTrigger {
  return { ...MOUNTED, type: 'webhook', paths: [{ path, methods: ['POST'] }], ...rest };
}

/** An ensemble of one trigger. */
export function triggered(name: string, trigger: Trigger, rest: Partial<Ensemble> = {}): Ensemble {
  return ensemble(name, { triggers: [trigger], ...rest });
}

export interface Asked {
  readonly what: string;
  readonly input: JsonValue;
  readonly call: CallContext;
  readonly options: ExecuteOptions;
}

export const EXECUTION_ID = `req_${'0'.repeat(32)}`;

/** Answers `{output: {echo: <input>}}` unless told. */
export class FakeExecutor implements Executor {
  readonly asked: Asked[] = [];
  answer: (asked: Asked) => ExecutionOutcome | Promise<ExecutionOutcome> = ({ input }) => completed({ echo: input });

  async ensemble(
    one: Ensemble,
    input: JsonObject,
    call: CallContext,
    options: ExecuteOptions = {},
  ): Promise<ExecutionOutcome> {
    return this.#run({ what: `ensemble ${one.name}`, input, call, options });
  }

  async agent(
    id: string,
    input: JsonValue,
    call: CallContext,
    options: ExecuteOptions = {},
  ): Promise<ExecutionOutcome> {
    return this.#run({ what: `agent ${id}`, input, call, options });
  }

  #run(asked: Asked): ExecutionOutcome | Promise<ExecutionOutcome> {
    this.asked.push(asked);
    return this.answer(asked);
  }
}

export function completed(output: JsonValue, response: JsonObject = {}): ExecutionOutcome {
  return { kind: 'completed', executionId: EXECUTION_ID, output, response };
}

/** Says where a caller is by a header, as a proxy would. */
export const VISITOR = {
  of: (header: (name: string) => string | undefined, origin: { readonly peerAddress?: string }) => {
    const country = header('x-test-country');
    const ip = header('x-test-ip') ?? origin.peerAddress;
    return { ...(country === undefined ? {} : { country }), ...(ip === undefined ? {} : { ip }) };
  },
};
