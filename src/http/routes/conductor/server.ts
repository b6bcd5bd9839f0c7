// The server itself: is it well, which version is it, and the sign-in of Conductor's SDKs.
import { z } from 'zod';
import { readBody } from '../../body.ts';
import { json, type Reply, type Route, text } from '../../route.ts';
import type { RouteDeps } from './deps.ts';

const signInSchema = z.object({ keyId: z.string().min(1), keySecret: z.string().min(1) });

export function serverRoutes(deps: RouteDeps): Route[] {
  return [
    health(deps, '/health', conductorHealth),
    health(deps, '/api/health', conductorHealth),
    health(deps, '/actuator/health', (healthy) => ({ status: healthy ? 'UP' : 'DOWN' })),
    version(deps),
    signIn(deps),
    whoAmI(),
  ];
}

function health({ reads }: RouteDeps, path: string, render: (healthy: boolean) => object): Route {
  return {
    method: 'GET',
    path,
    requires: 'public',
    dialect: 'conductor',
    summary: 'Whether the server can work: its database answers',
    reply: { contentType: 'application/json' },
    async handle(): Promise<Reply> {
      // The cause is the operator's business, not the public's; the store logs it.
      const healthy = await reads.ping().then(
        () => true,
        () => false,
      );
      return json(render(healthy), healthy ? 200 : 503);
    },
  };
}

function conductorHealth(healthy: boolean) {
  return { healthy, healthResults: [{ healthy, details: { component: 'store' } }] };
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
      return json(access.issueToken(keyId, keySecret));
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
