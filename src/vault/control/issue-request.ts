// The body of `POST /vault/keys` and of `PATCH`: what an issuer may ask for. Owns reading and refusing; every refusal
// names the field and how to mend it. An amount that is missing or null is an error, never "unlimited".
import { z } from 'zod';
import { didYouMean } from '../../model/did-you-mean.ts';
import { AppError, type FieldError } from '../../model/error.ts';
import { parseUsd } from '../../model/money.ts';
import type { CapWindow } from '../../model/vault.ts';
import { parseEndpoint } from '../keys/endpoint-rules.ts';
import { DAY_MS, LIFETIME_MS_DEFAULT, LIFETIME_MS_MAX, parseInstant, parseLifetime } from '../keys/lifetime.ts';

const usd = z.custom<number | string | null>(
  (value) => value === null || parseUsd(value) !== undefined,
  'must be an amount in US dollars: a number or a decimal string such as 500 or "500.00", at most six decimals',
);
const endpoints = z.array(
  z.string().refine((text) => parseEndpoint(text) !== undefined, {
    message: 'must be "METHOD /path" (segments may be * or {id}), "resource.verb", "/path" or "*"',
  }),
  'must be a list of endpoints such as ["POST /v1/payment_intents"]; [] allows nothing, ["*"] everything',
);
const label = z.string().min(1).max(255);
const lifetime = z
  .string()
  .refine((text) => parseLifetime(text) !== undefined, 'must be a time such as 90s, 30m, 2h or 7d, at most 30d');
const instant = z
  .string()
  .refine((text) => parseInstant(text) !== undefined, 'must be an ISO 8601 instant such as 2030-01-31T12:00:00Z');

export const issueRequestSchema = z.strictObject({
  vendor: z.string().min(1),
  daily_usd_cap: usd.optional(),
  total_usd_cap: usd.optional(),
  cap_usd: usd.optional(),
  allowed_endpoints: endpoints,
  expires_in: lifetime.nullish(),
  expires_at: instant.nullish(),
  agent_run_label: label.nullish(),
  cap_window: z.enum(['utc_day', 'rolling_24h', 'lifetime']).nullish(),
  cap_status: z.union([z.literal(429), z.literal(402)]).nullish(),
  name: z.string().min(1).max(255).nullish(),
  zero_cost_endpoints: endpoints.nullish(),
  unique_label: z.boolean().nullish(),
});

export const patchRequestSchema = z.strictObject({
  daily_usd_cap: usd.optional(),
  total_usd_cap: usd.optional(),
  cap_usd: usd.optional(),
  expires_in: lifetime.nullish(),
  expires_at: instant.nullish(),
});

/** What an issuer asked for, read. */
export interface IssueRequest {
  readonly vendor: string;
  readonly capMicros: number;
  readonly capWindow: CapWindow;
  readonly capStatus: number;
  readonly allowedEndpoints: readonly string[];
  readonly zeroCostEndpoints: readonly string[];
  readonly runLabel: string | null;
  readonly name: string | null;
  readonly expiresMs: number;
  readonly uniqueLabel: boolean;
  /** The same request asked again gives the same text, whenever it is asked. */
  readonly fingerprint: string;
}

export interface PatchRequest {
  readonly capMicros: number | undefined;
  readonly expiresMs: number | undefined;
}

/** Throws AppError invalid_request. */
export function readIssueRequest(body: unknown, vendors: ReadonlySet<string>, now: number): IssueRequest {
  const request = parse(issueRequestSchema, body);
  if (!vendors.has(request.vendor)) {
    throw refuse('vendor', `"${request.vendor}" is not a vendor of the vault; known: ${[...vendors].join(', ')}`);
  }
  const capMicros = readCap(request);
  if (capMicros === undefined) throw refuse('daily_usd_cap', 'is missing: a key without a cap is not issued');
  if (request.unique_label && !request.agent_run_label)
    throw refuse('agent_run_label', 'is missing: unique_label needs it');
  const expiresMs = readExpiry(request, now) ?? now + LIFETIME_MS_DEFAULT;
  const total = request.total_usd_cap !== undefined;
  return {
    vendor: request.vendor,
    capMicros,
    // A key of at most a day has one cap for all of its life: it must not get a second one at midnight.
    capWindow: request.cap_window ?? (total || expiresMs - now <= DAY_MS ? 'lifetime' : 'utc_day'),
    capStatus: request.cap_status ?? 429,
    allowedEndpoints: request.allowed_endpoints,
    zeroCostEndpoints: request.zero_cost_endpoints ?? [],
    runLabel: request.agent_run_label ?? null,
    name: request.name ?? null,
    expiresMs,
    uniqueLabel: request.unique_label ?? false,
    fingerprint: JSON.stringify([capMicros, Object.entries({ ...request, ...WITHOUT_CAPS }).sort()]),
  };
}

/** Throws AppError invalid_request. */
export function readPatchRequest(body: unknown, now: number): PatchRequest {
  const request = parse(patchRequestSchema, body);
  const patch = { capMicros: readCap(request), expiresMs: readExpiry(request, now) };
  if (patch.capMicros === undefined && patch.expiresMs === undefined) {
    throw refuse('daily_usd_cap', 'is missing: a change names a cap, expires_in or expires_at');
  }
  return patch;
}

const WITHOUT_CAPS = { daily_usd_cap: undefined, total_usd_cap: undefined, cap_usd: undefined };

type Caps = { daily_usd_cap?: unknown; total_usd_cap?: unknown; cap_usd?: unknown };

function readCap(request: Caps): number | undefined {
  const given = (['daily_usd_cap', 'total_usd_cap', 'cap_usd'] as const).filter((name) => request[name] !== undefined);
  const [first, second] = given;
  if (first === undefined) return undefined;
  if (second !== undefined) throw refuse(second, `is given beside ${first}; send one cap`);
  const micros = parseUsd(request[first]);
  if (micros === undefined) throw refuse(first, 'is null: a key without a cap is not issued');
  return micros;
}

type Expiry = { expires_in?: string | null | undefined; expires_at?: string | null | undefined };

function readExpiry({ expires_in, expires_at }: Expiry, now: number): number | undefined {
  if (expires_in && expires_at) throw refuse('expires_at', 'is given beside expires_in; send one of them');
  if (expires_in) return now + (parseLifetime(expires_in) ?? 0);
  if (!expires_at) return undefined;
  const expiresMs = parseInstant(expires_at) ?? 0;
  if (expiresMs <= now) throw refuse('expires_at', 'lies in the past');
  if (expiresMs - now > LIFETIME_MS_MAX) throw refuse('expires_at', 'is more than 30 days away');
  return expiresMs;
}

/** Parses a strict schema; unknown keys get a suggestion. Throws AppError invalid_request. */
export function parse<T extends z.ZodObject>(schema: T, body: unknown): z.infer<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const known = Object.keys(schema.shape);
  const fields = parsed.error.issues.flatMap((issue): FieldError[] => {
    const path = issue.path.join('.');
    if (issue.code !== 'unrecognized_keys') return [{ path: path || 'body', message: issue.message }];
    return issue.keys.map((key) => {
      const meant = didYouMean(key, known);
      return {
        path: key,
        message: meant ? `is not known; did you mean ${meant}?` : `is not known; known: ${known.join(', ')}`,
      };
    });
  });
  throw new AppError('invalid_request', fields.map(({ path, message }) => `${path}: ${message}`).join('; '), fields);
}

function refuse(path: string, message: string): AppError {
  return new AppError('invalid_request', `${path}: ${message}.`, [{ path, message }]);
}
