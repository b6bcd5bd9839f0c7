// What an operation is given for one call, and the time it has. What costs something to make is made when somebody looks
// at it: most handlers read their input and nothing else.
import type { SafeFetch } from '../egress/egress.ts';
import type { AgentDefinition } from '../model/agent.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import type { Run } from '../model/run.ts';
import {
  AgentError,
  type AgentLogger,
  type AuthContext,
  type OperationContext,
  type OperationServices,
} from '../operations/operation.ts';
import type { Stop } from '../orchestrator/ports.ts';
import { createEdge } from '../visitor/edge.ts';
import { createLocation } from '../visitor/location.ts';
import type { EdgeContext, LocationContext } from '../visitor/visitor.ts';
import { type CallRecord, readCall } from './call-record.ts';

/** What is called, and with what. */
export interface AgentCall {
  readonly agent: AgentDefinition;
  readonly input: JsonValue;
  readonly config: JsonObject;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What there is around the call. */
export interface Surroundings {
  readonly run: Run;
  readonly fetch: SafeFetch;
  readonly logger: () => AgentLogger;
  readonly clock: { now(): number };
  readonly services: OperationServices;
  readonly outputs: () => Readonly<Record<string, JsonValue>>;
  readonly deadline: Deadline;
}

export class AgentContext implements OperationContext {
  readonly agent: AgentDefinition;
  readonly input: JsonValue;
  readonly config: JsonObject;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly executionId: string;
  readonly fetch: SafeFetch;
  readonly clock: { now(): number };
  readonly services: OperationServices;
  readonly #parts: Surroundings;
  #call: CallRecord | undefined;
  #statePatch: JsonObject | undefined;

  constructor(call: AgentCall, parts: Surroundings) {
    this.agent = call.agent;
    this.input = call.input;
    this.config = call.config;
    this.env = call.env;
    this.executionId = parts.run.id;
    this.fetch = parts.fetch;
    this.clock = parts.clock;
    this.services = parts.services;
    this.#parts = parts;
  }

  /** What the call wants the execution's state to be, laid over it; undefined: as it is. */
  get statePatch(): JsonObject | undefined {
    return this.#statePatch;
  }

  get logger(): AgentLogger {
    return this.#parts.logger();
  }

  get requestId(): string {
    return this.#record.requestId;
  }

  get auth(): AuthContext {
    return this.#record.auth;
  }

  get location(): LocationContext {
    return createLocation(this.#record.visitor, this.clock.now);
  }

  get edge(): EdgeContext {
    return createEdge(this.#record.visitor);
  }

  get state(): JsonObject {
    const { state } = this.#parts.run.variables.object;
    return { ...(isJsonObject(state) ? state : {}), ...this.#statePatch };
  }

  get previousOutputs(): Readonly<Record<string, JsonValue>> {
    return this.#parts.outputs();
  }

  get signal(): AbortSignal {
    return this.#parts.deadline.signal;
  }

  setState(patch: JsonObject): void {
    this.#statePatch = { ...this.#statePatch, ...patch };
  }

  waitUntil(work: Promise<unknown>): void {
    void work.catch((error: unknown) => this.logger.error('work after the answer failed', { error }));
  }

  get #record(): CallRecord {
    this.#call ??= readCall(this.#parts.run);
    return this.#call;
  }
}

/** Ends the wait for an agent when its time is up or its execution ends, and tells it so if it listens. */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #outer: Stop;
  #own: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;

  constructor(timeoutMs: number, outer: Stop) {
    this.#timeoutMs = timeoutMs;
    this.#outer = outer;
  }

  get signal(): AbortSignal {
    this.#own ??= new AbortController();
    if (this.#ended) this.#own.abort(this.#ended.reason);
    return this.#own.signal;
  }

  /** What the work gives, at once if it does: then nothing is armed. Throws what it throws. */
  hold<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (this.#outer.stopped) throw this.#outer.signal.reason;
    const startedMs = performance.now();
    const given = work();
    return given instanceof Promise ? this.#wait(given, startedMs) : given;
  }

  #wait<T>(given: Promise<T>, startedMs: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        forget();
      };
      const end = (reason: unknown) => {
        settle();
        this.#ended = { reason };
        this.#own?.abort(reason);
        reject(reason);
      };
      // The error is made when it is needed: a stack costs more than most steps.
      const late = () => end(new AgentError(`Agent execution timed out after ${this.#timeoutMs}ms`));
      const timer = setTimeout(late, Math.max(0, this.#timeoutMs - (performance.now() - startedMs)));
      const forget = this.#outer.onStop(() => end(this.#outer.signal.reason));
      given.then(resolve, reject).finally(settle);
    });
  }
}
