// What a server answers: its own routes, and those of the project's triggers. Owns which part goes into which; decides
// nothing about any of them.
import { hostname } from 'node:os';
import { createGuard, seenByAll, seenInMemory } from '../../access/guards/index.ts';
import { grantsAbout } from '../../access/permissions.ts';
import { createRateLimiter } from '../../access/rate-limiter.ts';
import { createSharedRateLimiter, sharedCounters } from '../../access/shared-rate-limiter.ts';
import type { Settings } from '../../config/config-schema.ts';
import { BODY_BYTES_MAX, createApp } from '../../http/app.ts';
import { createDispatcher } from '../../http/dispatch.ts';
import { createHistoryReads } from '../../http/history-reads.ts';
import { createMatcher } from '../../http/match.ts';
import { HttpMetrics, metricsRoutes } from '../../http/metrics.ts';
import { openapi, openapiRoutes } from '../../http/openapi.ts';
import type { Route } from '../../http/route.ts';
import { adminRoutes } from '../../http/routes/admin/index.ts';
import { conductorRoutes } from '../../http/routes/conductor/conductor-routes.ts';
import { approvalRoutes, callbackRoutes } from '../../http/routes/ensembles/approvals.ts';
import { infoRoute } from '../../http/routes/ensembles/catalog.ts';
import { ensembleRoutes } from '../../http/routes/ensembles/ensemble-routes.ts';
import { vaultRoutes } from '../../http/routes/vault/vault-routes.ts';
import { MiddlewareRegistry, type TriggerMiddleware } from '../../triggers/middleware/registry.ts';
import { mountTriggers } from '../../triggers/mount-triggers.ts';
import type { VisitorSource } from '../../visitor/visitor.ts';
import type { ServerLog } from '../log.ts';
import type { NodeHandlerOptions } from './fast-routes.ts';
import { type Parts, VAULT_BODY_BYTES_MAX } from './parts.ts';
import { packageVersion } from './version.ts';

export interface RoutesOptions {
  readonly settings: Settings;
  readonly visitor: VisitorSource;
  readonly publicUrl: string;
  readonly middleware: Readonly<Record<string, TriggerMiddleware>>;
  readonly log: ServerLog;
}

/** Mounts the project's triggers on the way: what is wrong with them is among the project's problems from here on. */
export function serverRoutes(parts: Parts, options: RoutesOptions): NodeHandlerOptions {
  const { settings, log } = options;
  const { access, freshness, project, vault } = parts;
  const { security } = settings;
  const metrics = new HttpMetrics();
  const routes = fixedRoutes(parts, options, metrics);
  mountProject(parts, options, routes);
  const context = {
    log,
    observer: metrics,
    instance: hostname(),
    freshness,
    late: project.matcher,
    dialect: 'ensemble' as const,
    debugHeaders: security.debugHeaders,
    ...(security.conductorHeader && { headers: { 'x-powered-by': 'Ensemble-Edge Conductor' } }),
    ...(security.stealthMode && { stealth: { delayMs: security.stealthDelayMs } }),
  };
  return {
    routes,
    dispatcher: createDispatcher(routes, access, context),
    // The proxy is not mounted here: node's raw target decides what is the vault's, before any URL parser touches it.
    app: createApp({ routes, access, bodyBytesMax: BODY_BYTES_MAX, ...context }),
    proxy: vault.proxy,
    bodyBytesMax: BODY_BYTES_MAX,
    vaultBodyBytesMax: VAULT_BODY_BYTES_MAX,
  };
}

function fixedRoutes(parts: Parts, { settings, visitor }: RoutesOptions, metrics: HttpMetrics): Route[] {
  const { access, approvals, clock, executor, loop, orchestrator, project, store, vault } = parts;
  const version = packageVersion();
  const { reads } = store;
  const recordRead = createHistoryReads(loop);
  const { api, security } = settings;
  const policy = {
    autoPermissions: security.autoPermissions,
    allowDirectAgentExecution: security.allowDirectAgentExecution,
    requireExplicit: {
      agents: api.execution.agents.requireExplicit,
      ensembles: api.execution.ensembles.requireExplicit,
    },
  };
  const deps = {
    ...{ project: project.project, executor, access, policy, visitor, orchestrator, reads, recordRead, clock, version },
    debugHeaders: security.debugHeaders,
  };
  const routes: Route[] = [
    ...conductorRoutes({
      ...{ orchestrator, reads, access, recordRead, version, projectVersion: settings.version },
      // Nobody asks for them otherwise, and every run would carry them.
      ...(policy.autoPermissions && { agentGrants: ({ permissions }) => grantsAbout('agent', permissions) }),
    }),
    ...vaultRoutes(vault),
    ...adminRoutes({ keys: access, clock, reads, transactor: loop }),
    ...ensembleRoutes(deps),
    ...approvalRoutes({ ...deps, approvals }),
    ...metricsRoutes(orchestrator, metrics),
  ];
  // Mounted with the triggers, which may take their place.
  const described = [...routes, ...callbackRoutes(approvals)];
  parts.describeApi(() => openapi(described, version));
  return [...routes, ...openapiRoutes(described, version)];
}

function mountProject(parts: Parts, options: RoutesOptions, fixed: readonly Route[]): void {
  const { access, approvals, clock, egress, executor, project, store, vault } = parts;
  const { log, settings, visitor, publicUrl } = options;
  const countUp = store.shared ? sharedCounters(store.shared) : null;
  const seen = countUp ? seenByAll(countUp) : seenInMemory(clock);
  const limiter = countUp ? createSharedRateLimiter(countUp, clock) : createRateLimiter(clock);
  const middleware = new MiddlewareRegistry(log);
  for (const [name, one] of Object.entries(options.middleware)) middleware.register(name, one);
  const matcher = createMatcher(fixed);
  project.mount((present) =>
    mountTriggers(present, {
      ...{ executor, visitor, limiter, middleware, clock, publicUrl, fixed: matcher },
      guard: (rules, trigger) =>
        createGuard(rules, {
          ...{ access, clock, seen, environment: project.env(), fetch: egress.safeFetch },
          warn: (message) => log.warn(message),
          trigger,
        }),
      owned: (path) => vault.proxy.owns(path),
      resume: (token, input) => approvals.resume(token, input),
      fallback: [infoRoute(packageVersion()), ...callbackRoutes(approvals)],
      credentialCookies: [settings.auth.cookie.name],
      debugHeaders: settings.security.debugHeaders,
    }),
  );
}
