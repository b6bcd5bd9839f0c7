// API keys over HTTP: generate, list, look at, revoke, rotate. A key's text is in the reply that makes it and in no
// other. Must never let a caller hand out more than the caller holds.
import { z } from 'zod';
import type { Principal } from '../../../access/access.ts';
import { type ApiKeys, type GeneratedKey, keyState } from '../../../access/api-keys.ts';
import { parseExpiry, parseOverlap } from '../../../access/lifetime.ts';
import type { ApiKeyRecord } from '../../../model/api-key.ts';
import { AppError } from '../../../model/error.ts';
import type { Clock } from '../../../orchestrator/ports.ts';
import { readBody } from '../../body.ts';
import { json, type Route } from '../../route.ts';

const PERMISSION = 'keys:*:manage';

/** Ninety days, unless asked: a key that is forgotten should end by itself. */
export const EXPIRES_DEFAULT = '90d';

const generateSchema = z.strictObject({
  name: z.string().min(1, 'must not be empty'),
  permissions: z.array(z.string()).min(1, 'must name at least one permission'),
  /** "90d", an ISO date, or "never". */
  expires: z.string().default(EXPIRES_DEFAULT),
  /** Whose requests the key's are: what agents see, and rate limits count by. */
  userId: z.string().optional(),
});

const rotateSchema = z
  .strictObject({
    /** How long the old key goes on working: "24h". Absent: it ends at once. */
    overlap: z.string().default('0'),
  })
  .default({ overlap: '0' });

/** An API key as callers see it: everything but its hash. Times are epoch ms, null where there is none. */
export interface KeyView {
  readonly keyId: string;
  readonly name: string;
  readonly permissions: readonly string[];
  /** Only where it was given. */
  readonly userId?: string;
  readonly status: 'active' | 'expired' | 'revoked';
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly rotatedFrom: string | null;
}

export function keyView(record: ApiKeyRecord, now: number): KeyView {
  return {
    keyId: record.id,
    name: record.name,
    permissions: record.permissions,
    ...(record.userId === undefined ? {} : { userId: record.userId }),
    status: keyState(record, now),
    createdAt: record.createdMs,
    expiresAt: record.expiresMs || null,
    revokedAt: record.revokedMs || null,
    rotatedFrom: record.rotatedFrom,
  };
}

export function keyRoutes(keys: ApiKeys, clock: Clock): Route[] {
  const common = { requires: () => PERMISSION, dialect: 'conductor' } as const;
  const shown = ({ key, record }: GeneratedKey) => json({ key, ...keyView(record, clock.now()) }, 201);
  return [
    {
      ...common,
      method: 'GET',
      path: '/api/v1/admin/keys',
      summary: 'All API keys, newest first, without their secrets',
      reply: { contentType: 'application/json' },
      handle: () => json({ keys: keys.listKeys().map((record) => keyView(record, clock.now())) }),
    },
    {
      ...common,
      method: 'POST',
      path: '/api/v1/admin/keys',
      summary: 'Generates an API key; the only reply that holds it',
      reply: { contentType: 'application/json' },
      body: generateSchema,
      async handle(request) {
        const { expires, ...asked } = await readBody(request, generateSchema);
        assertMayGrant(keys, request.principal, asked.permissions);
        return shown(await keys.generateKey({ ...asked, expiresMs: parseExpiry(expires, clock.now()) }));
      },
    },
    {
      ...common,
      method: 'GET',
      path: '/api/v1/admin/keys/:id',
      summary: 'One API key, without its secret',
      reply: { contentType: 'application/json' },
      handle: ({ params }) => json(keyView(keys.keyInfo(params.id ?? ''), clock.now())),
    },
    {
      ...common,
      method: 'DELETE',
      path: '/api/v1/admin/keys/:id',
      summary: 'Revokes an API key, and its tokens, from the next request on',
      reply: { contentType: 'application/json' },
      handle: async ({ params }) => json(keyView(await keys.revokeKey(params.id ?? ''), clock.now())),
    },
    {
      ...common,
      method: 'POST',
      path: '/api/v1/admin/keys/:id/rotate',
      summary: 'A new key with the same name, permissions and length of life; the old one ends',
      reply: { contentType: 'application/json' },
      body: rotateSchema,
      async handle(request) {
        const id = request.params.id ?? '';
        const { overlap } = await readBody(request, rotateSchema);
        // The reply holds a working key, so rotating is granting.
        assertMayGrant(keys, request.principal, keys.keyInfo(id).permissions);
        return shown(await keys.rotateKey(id, parseOverlap(overlap)));
      },
    },
  ];
}

function assertMayGrant(keys: ApiKeys, principal: Principal, permissions: readonly string[]): void {
  for (const permission of permissions) {
    if (keys.mayGrant(principal, permission)) continue;
    throw new AppError('forbidden', `You cannot grant ${permission}: your own credential does not hold it.`);
  }
}
