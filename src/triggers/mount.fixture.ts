// For tests of triggers: a project mounted into Hono's own entrance, with a real Access behind the guards.
import type { Access } from '../access/access.ts';
import type { RateLimiter } from '../access/guard.ts';
import type { Problem } from '../ensembles/project.ts';
import { accessWith, NOW_MS } from '../http/access.fixture.ts';
import { createApp } from '../http/app.ts';
import type { DispatchContext } from '../http/dispatch.ts';
import { createMatcher } from '../http/match.ts';
import { FakeExecutor, project, VISITOR } from '../http/project.fixture.ts';
import type { Route } from '../http/route.ts';
import type { Ensemble } from '../model/ensemble.ts';
import { AppError } from '../model/error.ts';
import { MiddlewareRegistry } from './middleware/registry.ts';
import { mountTriggers } from './mount-triggers.ts';
import type { TriggerDeps } from './trigger-deps.ts';

/** A limiter of one process without a clock: windows never end. */
export function countingLimiter(): RateLimiter & { readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  return {
    counts,
    async take(bucket, limit) {
      const taken = (counts.get(bucket) ?? 0) + 1;
      counts.set(bucket, taken);
      return { allowed: taken <= limit, limit, remaining: Math.max(0, limit - taken), resetSeconds: 30 };
    },
  };
}

export interface Mounted {
  readonly executor: FakeExecutor;
  readonly limiter: ReturnType<typeof countingLimiter>;
  readonly problems: readonly Problem[];
  call(path: string, init?: RequestInit): Promise<Response>;
}

export interface MountOptions extends Partial<TriggerDeps> {
  readonly routes?: readonly Route[];
  readonly context?: Partial<DispatchContext>;
  readonly bodyBytesMax?: number;
}

export async function mount(ensembles: readonly Ensemble[], options: MountOptions = {}): Promise<Mounted> {
  const { routes = [], context = {}, bodyBytesMax = 2000, ...rest } = options;
  const access = await accessWith({ alice: ['orders:*:read'], bob: [] });
  const executor = new FakeExecutor();
  const limiter = countingLimiter();
  const deps: TriggerDeps = {
    executor,
    visitor: VISITOR,
    limiter,
    guard: (wanted) => guardWith(access, wanted.permissions),
    middleware: new MiddlewareRegistry(),
    clock: { now: () => NOW_MS },
    fixed: createMatcher(routes),
    ...rest,
  };
  const mounted = mountTriggers(project(ensembles), deps);
  const late = createMatcher(mounted.routes);
  const app = createApp({ routes, access, dialect: 'ensemble', late: () => late, bodyBytesMax, ...context });
  return { executor, limiter, problems: mounted.problems, call: async (path, init) => app.request(path, init) };
}

function guardWith(access: Access, permissions: readonly string[]): ReturnType<TriggerDeps['guard']> {
  if (permissions.includes('unset')) throw new Error('The secret ${env.JWT_SECRET} is not set');
  return async ({ header }) => {
    const principal = await access.authenticate(header);
    const missing = permissions.find((one) => !access.allows(principal, one));
    if (missing !== undefined) throw new AppError('forbidden', `Missing required permission: ${missing}`);
    return principal;
  };
}
