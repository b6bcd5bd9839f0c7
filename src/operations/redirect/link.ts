// A short link as it lies in the key-value store, and what may be one: slugs, targets, when it has run out. Must never
// read what the store holds without checking it.
import { z } from 'zod';
import { validateURL } from '../../egress/address-rules.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';

export const LinkType = z.enum(['permanent', 'expiring', 'single-use']);
export const RedirectStatus = z.union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)]);

export const Link = z.object({
  slug: z.string(),
  url: z.string(),
  type: LinkType,
  statusCode: RedirectStatus,
  createdAt: z.number(),
  expiresAt: z.number().nullable(),
  usedAt: z.number().nullable(),
  metadata: z.custom<JsonObject>(isJsonObject),
});
export type Link = z.infer<typeof Link>;

export type LinkError =
  | 'not_found'
  | 'expired'
  | 'already_used'
  | 'slug_taken'
  | 'invalid_slug'
  | 'invalid_url'
  | 'invalid_expiry';

/** Letters and digits, with "-" and "_" between them; 64 at most. */
const SLUG = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$/;
const URL_LENGTH_MAX = 2_048;
/** An expired link is remembered this long, so that who follows it is told so. */
const REMEMBERED_MS = 7 * 86_400_000;

export function isSlug(text: string): boolean {
  return SLUG.test(text);
}

/** The target as it will be sent, or null: only http(s), no credentials in it, no private address unless allowed. */
export function targetOf(url: string, allowInternal: boolean): string | null {
  if (url.length > URL_LENGTH_MAX) return null;
  try {
    return validateURL(url, allowInternal).href;
  } catch {
    return null;
  }
}

export function stateOf(link: Link, now: number): 'live' | 'expired' | 'already_used' {
  if (link.usedAt !== null) return 'already_used';
  return link.expiresAt !== null && link.expiresAt <= now ? 'expired' : 'live';
}

export function ttlSecondsOf(link: Link, now: number): number {
  return link.expiresAt === null ? 0 : Math.ceil((Math.max(link.expiresAt, now) - now + REMEMBERED_MS) / 1000);
}

/** Every character as likely as any other. */
export function randomSlug(length: number, alphabet: string): string {
  const fair = 256 - (256 % alphabet.length);
  let slug = '';
  while (slug.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length * 2))) {
      if (byte < fair && slug.length < length) slug += alphabet[byte % alphabet.length];
    }
  }
  return slug;
}
