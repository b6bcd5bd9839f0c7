// The `code` operation: runs the agent's own handler, `export default async function (context)`; one that takes two
// parameters gets `(input, context)`. No config of its own: every key is the handler's. Output: what it returns, as JSON.
// Throws what the handler throws, and AgentError for a result that is no JSON. Must never hand out our own services.
import { z } from 'zod';
import type { JsonValue } from '../../model/json.ts';
import {
  AgentError,
  type AgentExecutionContext,
  type AgentHandler,
  type Operation,
  type OperationContext,
} from '../operation.ts';
import { jsonResult } from './json-result.ts';

export const code: Operation = {
  name: 'code',
  config: z.record(z.string(), z.unknown()),
  run: (context) => {
    const handler = context.services.handler(context.agent);
    return handler instanceof Promise ? handler.then((loaded) => call(loaded, context)) : call(handler, context);
  },
};

/** At once where the handler gives its result at once. */
function call(handler: AgentHandler, context: OperationContext): JsonValue | Promise<JsonValue> {
  const seen = new HandlerContext(context);
  try {
    const given: unknown = handler.length >= 2 ? handler(seen.input, seen) : handler(seen);
    return isThenable(given) ? Promise.resolve(given).catch(refuse).then(jsonResult) : jsonResult(given);
  } catch (error) {
    return refuse(error);
  }
}

function isThenable(given: unknown): given is PromiseLike<unknown> {
  return typeof given === 'object' && given !== null && 'then' in given && typeof given.then === 'function';
}

function refuse(error: unknown): never {
  if (error instanceof Error) throw error;
  throw new AgentError(typeof error === 'string' ? error : 'The handler threw something that is no Error.');
}

/** The context without what is ours alone; what costs something to make is made when the handler looks. */
class HandlerContext implements AgentExecutionContext {
  readonly input: AgentExecutionContext['input'];
  readonly config: OperationContext['config'];
  readonly env: OperationContext['env'];
  readonly executionId: string;
  readonly fetch: OperationContext['fetch'];
  readonly setState: OperationContext['setState'];
  readonly waitUntil: OperationContext['waitUntil'];
  readonly #context: OperationContext;

  constructor(context: OperationContext) {
    this.input = context.input;
    this.config = context.config;
    this.env = context.env;
    this.executionId = context.executionId;
    this.fetch = context.fetch;
    this.setState = (patch) => context.setState(patch);
    this.waitUntil = (work) => context.waitUntil(work);
    this.#context = context;
  }

  get logger() {
    return this.#context.logger;
  }

  get requestId() {
    return this.#context.requestId;
  }

  get auth() {
    return this.#context.auth;
  }

  get location() {
    return this.#context.location;
  }

  get edge() {
    return this.#context.edge;
  }

  get state() {
    return this.#context.state;
  }

  get previousOutputs() {
    return this.#context.previousOutputs;
  }

  get signal() {
    return this.#context.signal;
  }
}
