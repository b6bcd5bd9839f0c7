// Everything that answers requests in one isolate: built at the first request, which brings the environment, and used by
// all that follow. Must never hold on to anything of the request that it was built in, and must never answer with half a
// project: what is configured wrongly is thrown.

import { createGuard, seenInMemory } from '../../access/guards/index.ts';
import { createRateLimiter } from '../../access/rate-limiter.ts';
import type { Settings } from '../../config/config-schema.ts';
import { resolveConfig } from '../../config/resolve-config.ts';
import { createWebSafeFetch } from '../../egress/safe-fetch-web.ts';
import { oncePerOrigin } from '../../egress/tell-bypass.ts';
import { createAgentWorker } from '../../ensembles/agent-worker.ts';
import type { Executor } from '../../ensembles/executor.ts';
import { createRunExecutor } from '../../ensembles/run-executor.ts';
import { createApp } from '../../http/app.ts';
import { createMatcher, type Matcher } from '../../http/match.ts';
import { openapi, openapiRoutes } from '../../http/openapi.ts';
import { json, type Route } from '../../http/route.ts';
import { withVersion } from '../../http/routes/conductor/server.ts';
import { catalogRoutes, infoRoute } from '../../http/routes/ensembles/catalog.ts';
import type { EnsembleDeps } from '../../http/routes/ensembles/deps.ts';
import { executeRoutes } from '../../http/routes/ensembles/execute-routes.ts';
import type { JsonObject } from '../../model/json.ts';
import { OPERATIONS } from '../../operations/registry.ts';
import { MiddlewareRegistry } from '../../triggers/middleware/registry.ts';
import { mountTriggers } from '../../triggers/mount-triggers.ts';
import type { VisitorSource } from '../../visitor/visitor.ts';
import { createVisitorSource } from '../../visitor/visitor-source.ts';
import { agentLogger } from '../agent-logger.ts';
import type { ServerLog } from '../log.ts';
import { createNewId } from '../new-id.ts';
import { projectCatalog } from '../project-catalog.ts';
import { openEdgeAccess } from './edge-access.ts';
import { edgeFetch, edgeHandlers, outlivingAnswers } from './edge-agents.ts';
import { agentTexts, textsOf, type WorkerEnv } from './edge-environment.ts';
import { createEdgeRuns } from './edge-executor.ts';
import type { EdgeProject } from './edge-project.ts';
import { edgeKeyValue, noDatabases, noVectorStore } from './edge-services.ts';
import { failOnErrors } from './fail-on-errors.ts';
import type { WorkerOptions } from './worker.ts';

/** Answers one request; `remoteAddress` is that of the other end, as the platform tells it. */
export type Site = (request: Request, remoteAddress: string | null) => Response | Promise<Response>;

const clock = { now: () => Date.now() };

interface Ground {
  readonly options: WorkerOptions;
  readonly project: EdgeProject;
  readonly settings: Settings;
  readonly env: WorkerEnv;
  readonly log: ServerLog;
}

/** Throws an Error that names what is configured wrongly. */
export async function openSite(
  options: WorkerOptions,
  project: EdgeProject,
  env: WorkerEnv,
  log: ServerLog,
): Promise<Site> {
  const { settings } = resolveConfig(options.config, textsOf(env));
  const ground = { options, project, settings, env, log };
  const keyValue = edgeKeyValue(env);
  const { allowOrigins } = settings.egress;
  const onBypass = oncePerOrigin((bypass) => log.warn('a request goes out without the address rules', { ...bypass }));
  const fetch = createWebSafeFetch({ allowOrigins: () => allowOrigins, advice: 'operator', onBypass });
  const access = await openEdgeAccess({ settings, env, keyValue, clock, fetch, loadUnkey: options.loadUnkey });
  const described: { openapi: () => JsonObject } = { openapi: () => ({}) };
  const executor = edgeExecutor(ground, keyValue, () => described.openapi());
  const visitor = createVisitorSource(settings.security);
  const routes = fixedRoutes(ground, { access, executor, visitor });
  described.openapi = () => openapi(routes, options.version);
  const fixed = [...routes, ...openapiRoutes(routes, options.version)];
  const late = triggers(ground, { access, executor, visitor, fetch }, createMatcher(fixed));
  const { security } = settings;
  const app = createApp({
    routes: fixed,
    access,
    log,
    late: () => late,
    dialect: 'ensemble',
    debugHeaders: security.debugHeaders,
    ...(security.conductorHeader && { headers: { 'x-powered-by': 'Ensemble-Edge Conductor' } }),
    ...(security.stealthMode && { stealth: { delayMs: security.stealthDelayMs } }),
  });
  // Where Node's mount finds the socket.
  return (request, remoteAddress) =>
    app.fetch(request, remoteAddress === null ? {} : { incoming: { socket: { remoteAddress } } });
}

type Access = Awaited<ReturnType<typeof openEdgeAccess>>;

function edgeExecutor(
  { options, project, settings, env, log }: Ground,
  keyValue: ReturnType<typeof edgeKeyValue>,
  describeApi: () => JsonObject,
): Executor {
  const operations = outlivingAnswers(OPERATIONS, options.waitUntil);
  const texts = agentTexts(textsOf(env));
  const catalog = projectCatalog({
    projectName: settings.name,
    projectVersion: settings.version,
    project: () => project.project,
    pages: () => project.pages,
    openapi: describeApi,
  });
  const agents = createAgentWorker({
    project: () => project.project,
    operations,
    services: {
      handler: edgeHandlers(options.handlers),
      keyValue,
      databases: noDatabases,
      vectors: noVectorStore,
      catalog,
    },
    fetchFor: edgeFetch(settings.egress.allowOrigins, log),
    env: () => texts,
    defaultTimeoutMs: settings.execution.defaultTimeout,
    logger: (agent, run) => agentLogger(log, agent, run),
    clock,
  });
  const orchestrator = createEdgeRuns({ workers: [agents], clock, planOf: project.planOf, log });
  return createRunExecutor({ orchestrator, project: () => project.project, operations, newId: createNewId() });
}

interface Mounted {
  readonly access: Access;
  readonly executor: Executor;
  readonly visitor: VisitorSource;
}

function fixedRoutes({ options, project, settings }: Ground, mounted: Mounted): Route[] {
  const { api, security } = settings;
  const deps: EnsembleDeps = {
    ...mounted,
    project: () => project.project,
    policy: {
      autoPermissions: security.autoPermissions,
      allowDirectAgentExecution: security.allowDirectAgentExecution,
      requireExplicit: {
        agents: api.execution.agents.requireExplicit,
        ensembles: api.execution.ensembles.requireExplicit,
      },
    },
    clock,
    version: options.version,
    debugHeaders: security.debugHeaders,
    // Executions are kept nowhere, and the routes that look for one are not mounted.
    reads: { run: async () => null },
    recordRead: async () => undefined,
    orchestrator: { terminate: async () => undefined },
  };
  return [health(settings.version), ...executeRoutes(deps), ...catalogRoutes(deps)];
}

/** The isolate that answers is well: there is no database behind it. */
function health(projectVersion: string | null): Route {
  return {
    method: 'GET',
    path: '/health',
    requires: 'public',
    dialect: 'ensemble',
    standsAlone: true,
    summary: 'Whether the Worker can work',
    reply: { contentType: 'application/json' },
    handle: () => json(withVersion({ healthy: true, healthResults: [] }, projectVersion)),
  };
}

function triggers(
  { options, project, settings, env, log }: Ground,
  { access, executor, visitor, fetch }: Mounted & { readonly fetch: ReturnType<typeof createWebSafeFetch> },
  fixed: Matcher,
): Matcher {
  const environment = agentTexts(textsOf(env));
  // Both count in this isolate alone; a place of Cloudflare's has many of them.
  const seen = seenInMemory(clock);
  const limiter = createRateLimiter(clock);
  const { publicUrl } = settings.server;
  const { problems, routes } = mountTriggers(project.project, {
    ...{ executor, visitor, limiter, clock, fixed },
    middleware: new MiddlewareRegistry(log),
    guard: (rules, trigger) =>
      createGuard(rules, { access, clock, seen, environment, fetch, trigger, warn: (message) => log.warn(message) }),
    fallback: [infoRoute(options.version)],
    credentialCookies: [settings.auth.cookie.name],
    debugHeaders: settings.security.debugHeaders,
    ...(publicUrl !== null && { publicUrl }),
  });
  failOnErrors(problems);
  return createMatcher(routes);
}
