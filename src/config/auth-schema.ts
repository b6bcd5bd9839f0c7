// The `auth` block: who is asked for a credential, and which credentials count.
// Must never let a provider stand whose secret is missing.
import { z } from 'zod';
import { JWT_ALGORITHMS } from '../model/jwt-algorithms.ts';

/** A secret, or a name that nobody may leave blank. */
export const filled = () =>
  z.string().refine((text) => text.trim() !== '', 'is empty: is an environment variable unset?');

/** Absent reads as null, so that the settings have every key. */
export const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

export const httpUrl = () =>
  z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an http(s) URL');

const jwtSchema = z
  .strictObject({
    /** Of HS256, HS384 and HS512. */
    secret: orNull(filled()),
    jwksUrl: orNull(httpUrl()),
    issuer: orNull(filled()),
    audience: orNull(filled()),
    /** Empty: what suits the secret or the key set. */
    algorithms: z.array(z.enum(JWT_ALGORITHMS)).default([]),
  })
  .prefault({});

const basicSchema = z
  .strictObject({
    credentials: z
      .array(filled().regex(/^[^:]+:.+$/s, 'must be "user:password"'))
      .default([])
      .describe('user:password'),
  })
  .prefault({});

const cookieSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be a cookie name')
      .default('session_token'),
    /** The key-value store that holds `session:<token>`. */
    namespace: filled().default('SESSIONS'),
  })
  .prefault({});

export const authSchema = z
  .strictObject({
    requireAuth: z.boolean().default(true),
    apiKeys: z.array(filled()).default([]),
    allowAnonymous: z.boolean().default(false),
    provider: z.enum(['apiKey', 'jwt', 'unkey', 'basic', 'cookie']).default('apiKey'),
    rootKey: orNull(filled()),
    apiId: orNull(filled()),
    /** Of Unkey, where it is hosted elsewhere. A private address must be among `egress.allowOrigins` too. */
    unkeyUrl: orNull(httpUrl()),
    jwt: jwtSchema,
    basic: basicSchema,
    cookie: cookieSchema,
  })
  .superRefine(({ provider, rootKey, jwt, basic }, context) => {
    const missing = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (provider === 'unkey' && rootKey === null) {
      missing(['rootKey'], "is undefined: is an environment variable unset? The provider 'unkey' needs it.");
    }
    if (provider === 'jwt' && jwt.secret === null && jwt.jwksUrl === null) {
      missing(['jwt'], "needs a secret or a jwksUrl: the provider is 'jwt'.");
    }
    if (provider === 'basic' && basic.credentials.length === 0) {
      missing(['basic', 'credentials'], 'is empty: the provider \'basic\' needs at least one "user:password".');
    }
    if (jwt.secret !== null && jwt.jwksUrl !== null) {
      missing(['jwt'], 'has both a secret and a jwksUrl: keep one, so that it is plain what signs a token.');
    }
  })
  .prefault({});
