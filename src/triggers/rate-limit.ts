// The rate limit of one trigger. Keyed by address it is taken before authentication, so that guessing credentials is
// limited too; keyed by user after it, when there is a user. Must never let an unknown caller use up a known one's share.
import ipaddr from 'ipaddr.js';
import type { RateTaken } from '../access/guard.ts';
import { rateLimitHeaders } from '../access/rate-limit-headers.ts';
import { type Around, type HttpRequest, type Reply, type RouteCall, withHeaders } from '../http/route.ts';
import { AppError } from '../model/error.ts';
import type { TriggerRateLimit } from '../model/trigger.ts';
import type { TriggerDeps } from './trigger-deps.ts';

export interface RateLimit {
  readonly before: Around | null;
  readonly after: ((request: HttpRequest, next: () => Promise<Reply>) => Promise<Reply>) | null;
}

class RateLimited extends AppError {
  readonly headers: Readonly<Record<string, string>>;
  constructor(taken: RateTaken) {
    super('rate_limited', `More than ${taken.limit} requests. Come again in ${taken.resetSeconds} seconds.`);
    this.headers = rateLimitHeaders(taken);
  }
}

/** `bucket` names the trigger. */
export function createRateLimit(
  bucket: string,
  limit: TriggerRateLimit,
  { limiter, visitor }: Pick<TriggerDeps, 'limiter' | 'visitor'>,
): RateLimit {
  const { key, requests, windowSeconds } = limit;
  const taking = async (who: string, next: () => Promise<Reply>): Promise<Reply> => {
    const taken = await limiter.take(`${bucket}:${who}`, requests, windowSeconds);
    if (!taken.allowed) throw new RateLimited(taken);
    return withHeaders(await next(), rateLimitHeaders(taken));
  };
  const addressOf = ({ header, origin }: RouteCall) =>
    `ip:${networkOf(visitor.of(header, origin).ip ?? origin.peerAddress ?? '')}`;
  if (key === 'ip') return { before: (call, next) => taking(addressOf(call), next), after: null };
  return {
    before: null,
    after: (request, next) => {
      const { id, userId = id } = request.principal;
      // Callers without a name share nothing but their address.
      return taking(id === 'anonymous' ? addressOf(request) : `user:${userId}`, next);
    },
  };
}

/** One household has 2^64 IPv6 addresses: they count as one. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':');
}
