// Keys that Unkey keeps: each is verified there at every request, so that its limits, credits and revocation hold. Fails
// closed: where Unkey gives no verdict nobody is let in. Must never send a key of our own, nor tell a caller what Unkey
// says of our root key.
import { z } from 'zod';
import type { SafeFetch } from '../../egress/egress.ts';
import { AppError } from '../../model/error.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import type { Clock } from '../../orchestrator/ports.ts';
import type { Principal } from '../access.ts';
import { CredentialError, challenge } from '../credential-error.ts';
import type { UnkeySettings } from '../policy.ts';
import { rateLimitHeaders } from '../rate-limit-headers.ts';
import { openUnkey, type UnkeyClient } from './unkey-client.ts';

const Ratelimit = z.object({
  exceeded: z.boolean().default(false),
  name: z.string().default(''),
  limit: z.number(),
  remaining: z.number(),
  /** Epoch ms. */
  reset: z.number(),
});
type Ratelimit = z.infer<typeof Ratelimit>;

const Verdict = z.object({
  data: z.object({
    valid: z.boolean(),
    code: z.string(),
    keyId: z.string().optional(),
    name: z.string().optional(),
    meta: z.custom<JsonObject>(isJsonObject).optional(),
    expires: z.number().optional(),
    credits: z.number().optional(),
    permissions: z.array(z.string()).default([]),
    roles: z.array(z.string()).default([]),
    identity: z.object({ id: z.string(), externalId: z.string() }).optional(),
    ratelimits: z.array(Ratelimit).default([]),
  }),
});
type Verdict = z.infer<typeof Verdict>['data'];

export class UnkeyVerifier {
  readonly #client: UnkeyClient;
  readonly #settings: UnkeySettings;
  readonly #clock: Clock;

  private constructor(client: UnkeyClient, settings: UnkeySettings, clock: Clock) {
    this.#client = client;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Rejects with an Error that says what to install or to configure. */
  static async open(settings: UnkeySettings, fetch: SafeFetch, clock: Clock): Promise<UnkeyVerifier> {
    return new UnkeyVerifier(await openUnkey(settings, fetch), settings, clock);
  }

  /** Throws AppError invalid_credential | expired_token | rate_limited, auth_unavailable when there is no verdict. */
  async verify(key: string): Promise<Principal> {
    const verdict = await this.#verdict(key);
    if (verdict.valid && verdict.code === 'VALID' && verdict.keyId) return this.#principal(verdict, verdict.keyId);
    throw this.#refusal(verdict);
  }

  async #verdict(key: string): Promise<Verdict> {
    const { apiId } = this.#settings;
    try {
      const answer = await this.#client.keys.verifyKey({ key, ...(apiId ? { tags: [`apiId=${apiId}`] } : {}) });
      return Verdict.parse(answer).data;
    } catch {
      // Whatever it was (network, our root key, their limits): the caller is neither right nor wrong.
      throw new AppError('auth_unavailable', 'Unkey gave no verdict on the key.');
    }
  }

  #principal(verdict: Verdict, keyId: string): Principal {
    const { name, permissions, roles, identity, credits, meta, ratelimits } = verdict;
    const ours = this.#settings.permissions ?? {};
    return {
      id: keyId,
      name: name ?? keyId,
      permissions: [
        ...new Set(permissions.flatMap((theirs) => (Object.hasOwn(ours, theirs) ? (ours[theirs] ?? []) : [theirs]))),
      ],
      roles,
      method: 'unkey',
      metadata: {
        keyId,
        ...(identity ? { ownerId: identity.externalId } : {}),
        ...(credits === undefined ? {} : { credits }),
        ...(meta ? { meta } : {}),
        ...(ratelimits.length > 0 ? { ratelimits: ratelimits.map(({ exceeded: _, ...rest }) => rest) } : {}),
      },
    };
  }

  #refusal({ code, ratelimits }: Verdict): AppError {
    switch (code) {
      case 'RATE_LIMITED':
        return new CredentialError(
          'rate_limited',
          'The key has used up its rate limit.',
          this.#limitHeaders(ratelimits),
        );
      case 'USAGE_EXCEEDED':
        return new CredentialError('rate_limited', 'The key has no credits left.', {});
      case 'EXPIRED':
        return new CredentialError('expired_token', 'The API key has expired.', challenge('Bearer'));
      default:
        return new CredentialError('invalid_credential', 'Invalid credentials: no such API key.', challenge('Bearer'));
    }
  }

  /** Of the limit that was exceeded; when it ends a second from now at the earliest. */
  #limitHeaders(ratelimits: readonly Ratelimit[]): Readonly<Record<string, string>> {
    const limit = ratelimits.find(({ exceeded }) => exceeded) ?? ratelimits[0];
    if (!limit) return { 'retry-after': '1' };
    const resetSeconds = Math.max(1, Math.ceil((limit.reset - this.#clock.now()) / 1000));
    return rateLimitHeaders({ allowed: false, limit: limit.limit, remaining: limit.remaining, resetSeconds });
  }
}
