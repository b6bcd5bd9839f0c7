// Why the vault did not forward a call, as a value thrown between stages. Owns the codes and their statuses; the vendor
// owns how they look to its SDK. Messages say what, where and how to mend, and never hold a secret or a key.
import type { Usage } from '../ledger/reservation.ts';

const STATUS = {
  malformed_request: 400,
  parameter_invalid: 400,
  idempotency_error: 400,
  key_unknown: 401,
  key_revoked: 401,
  key_expired: 401,
  vendor_mismatch: 403,
  endpoint_not_allowed: 403,
  cost_unknown: 403,
  currency_unsupported: 403,
  not_found: 404,
  cap_exhausted: 429,
  rate_limited: 429,
  upstream_unreachable: 502,
  vendor_not_configured: 503,
  store_unavailable: 503,
  outcome_unknown: 504,
} as const;

export type RefusalCode = keyof typeof STATUS;

/** What a cap refusal tells beside its message. */
export interface CapFacts {
  readonly usage: Usage;
  readonly attemptedMicros: number;
  readonly windowResetsMs: number | null;
}

export interface RefusalExtras {
  /** Other than the code's own status: a key may ask for 402 on its cap. */
  readonly status?: number;
  readonly cap?: CapFacts;
  /** The same request may be sent again as it is. */
  readonly retryable?: boolean;
  readonly allowedEndpoints?: readonly string[];
}

export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly status: number;
  readonly extras: RefusalExtras;

  constructor(code: RefusalCode, message: string, extras: RefusalExtras = {}) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.status = extras.status ?? STATUS[code];
    this.extras = extras;
  }
}
