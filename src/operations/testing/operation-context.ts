// What an operation is run with in a test: the real services over a folder of its own, the real door out, and a record of
// what the operation left behind. Only handlers are given by the test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEgress } from '../../egress/create-egress.ts';
import type { Egress } from '../../egress/egress.ts';
import type { AgentDefinition } from '../../model/agent.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { createAgentServices } from '../../runtime/node/services/agent-services.ts';
import { builtIn } from '../built-in-agent.ts';
import type { AgentHandler, AuthContext, Catalog, OperationContext } from '../operation.ts';

const NOBODY: AuthContext = { authenticated: false, method: null, user: null };
const EMPTY_CATALOG: Catalog = {
  projectName: 'test',
  projectVersion: null,
  agents: () => [],
  ensembles: () => [],
  pages: () => [],
  openapi: () => ({}),
};

export interface Bench {
  /** The present, until a test moves it. */
  readonly clock: { now(): number; moveMs(ms: number): void };
  context(input: JsonValue, config?: JsonObject, changes?: Partial<OperationContext>): OperationContext;
  close(): Promise<void>;
}

export interface BenchOptions {
  /** Takes the place of one that reaches only public addresses. It is closed with the bench. */
  readonly egress?: Egress;
  readonly postgres?: Readonly<Record<string, string>>;
  readonly handler?: AgentHandler;
}

export function openBench(options: BenchOptions = {}): Bench {
  const dataDir = mkdtempSync(join(tmpdir(), 'conductor-operations-'));
  const egress = options.egress ?? createEgress();
  let shiftMs = 0;
  const clock = {
    now: () => Date.now() + shiftMs,
    moveMs: (ms: number) => {
      shiftMs += ms;
    },
  };
  const services = createAgentServices({ dataDir, postgres: options.postgres ?? {}, clock });
  const handler = async (): Promise<AgentHandler> => {
    if (!options.handler) throw new Error('This test has no handler.');
    return options.handler;
  };
  const context = (input: JsonValue, config: JsonObject = {}, changes: Partial<OperationContext> = {}) => ({
    ...fixed(),
    input,
    config,
    fetch: egress.safeFetch,
    services: { ...services, handler, catalog: EMPTY_CATALOG },
    clock,
    ...changes,
  });
  const close = async () => {
    await services.close();
    await egress.close();
    rmSync(dataDir, { recursive: true });
  };
  return { clock, context, close };
}

export function agentOf(changes: Partial<AgentDefinition> = {}): AgentDefinition {
  return { ...builtIn('test', 'A test'), ...changes };
}

function fixed() {
  return {
    env: {},
    executionId: 'req_0',
    requestId: 'req_0',
    auth: NOBODY,
    location: undefined,
    edge: undefined,
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    state: {},
    setState: () => {},
    previousOutputs: {},
    signal: new AbortController().signal,
    waitUntil: () => {},
    agent: agentOf(),
  };
}
