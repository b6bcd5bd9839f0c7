// The server itself: is it well, which version is it, and the sign-in of Conductor's SDKs.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import type { Reads } from '../../../store/reads.ts';
import { readBody } from '../../body.ts';
import { json, type Reply, type Route, text } from '../../route.ts';
import type { RouteDeps } from './deps.ts';

/** A database that hangs serves nobody either; the probes of load balancers wait for some five seconds. */
const PING_MS_MAX = 3000;

const signInSchema = z.object({ keyId: z.string().min(1), keySecret: z.string().min(1) });

export function serverRoutes(deps: RouteDeps): Route[] {
  return [...healthRoutes(deps.reads, deps.projectVersion), version(deps), signIn(deps), whoAmI()];
}

/** With the project's version, where it has one: which of them is live is what a deployment asks. */
export function healthRoutes(reads: Pick<Reads, 'ping'>, projectVersion?: string | null): Route[] {
  const ofProject = (healthy: boolean) => withVersion(conductorHealth(healthy), projectVersion);
  return [
    health(reads, '/health', ofProject),
    health(reads, '/api/health', ofProject),
    health(reads, '/actuator/health', springHealth),
  ];
}

function health(reads: Pick<Reads, 'ping'>, path: string, render: (healthy: boolean) => object): Route {
  return {
    method: 'GET',
    path,
    requires: 'public',
    dialect: 'conductor',
    standsAlone: true,
    summary: 'Whether the server can work: its database answers',
    reply: { contentType: 'application/json' },
    async handle(): Promise<Reply> {
      // The cause is the operator's business, not the public's; the store logs it.
      const healthy = await answers(reads);
      const reply = json(render(healthy), healthy ? 200 : 503);
      return healthy ? reply : { ...reply, headers: { 'retry-after': '1' } };
    },
  };
}

async function answers(reads: Pick<Reads, 'ping'>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PING_MS_MAX);
  });
  const pinged = reads.ping().then(
    () => true,
    () => false,
  );
  const answered = await Promise.race([pinged, late]);
  clearTimeout(timer);
  return answered;
}

function conductorHealth(healthy: boolean) {
  return { healthy, healthResults: [{ healthy, details: { component: 'store' } }] };
}

export function withVersion(health: object, version: string | null = null): object {
  return version === null ? health : { ...health, version };
}

function springHealth(healthy: boolean) {
  return healthy ? { status: 'UP' } : { status: 'DOWN', components: { store: { status: 'DOWN' } } };
}

function version(deps: RouteDeps): Route {
  return {
    method: 'GET',
    path: '/api/version',
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'The version of the server',
    reply: { contentType: 'text/plain' },
    handle: () => text(deps.version),
  };
}

function signIn({ access }: RouteDeps): Route {
  return {
    method: 'POST',
    path: '/api/token',
    requires: 'public',
    dialect: 'conductor',
    summary: 'Exchange an API key for a short-lived token',
    body: signInSchema,
    reply: { contentType: 'application/json' },
    async handle(request) {
      const { keyId, keySecret } = await readBody(request, signInSchema);
      try {
        return json(access.issueToken(keyId, keySecret));
      } catch (error) {
        if (error instanceof AppError && error.status === 401) throw new AppError('sign_in_refused', error.message);
        throw error;
      }
    },
  };
}

function whoAmI(): Route {
  return {
    method: 'GET',
    path: '/api/token/userInfo',
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Who the credential belongs to',
    reply: { contentType: 'application/json' },
    handle: ({ principal }) => json({ id: principal.id, name: principal.name, applicationUser: true }),
  };
}
