// What the vault keeps: vendor secrets (sealed), vault keys (capped; derived, so no key text), charges (the ledger's
// rows: reservations and what became of them) and audit entries. Amounts are integer micro-USD, times epoch ms.
import type { JsonObject } from './json.ts';

export interface VendorSecret {
  readonly id: string;
  readonly vendor: string;
  readonly name: string;
  /** Envelope-encrypted under the master key: base64 fields, never the secret. */
  readonly sealed: JsonObject;
  readonly createdMs: number;
}

export type CapWindow = 'utc_day' | 'rolling_24h' | 'lifetime';

export interface VaultKey {
  /** Public key_id, `vk_…`. */
  readonly id: string;
  readonly vendor: string;
  readonly capMicros: number;
  readonly capWindow: CapWindow;
  /** 429, or 402 where the issuer asked for it. */
  readonly capStatus: number;
  readonly allowedEndpoints: readonly string[];
  readonly zeroCostEndpoints: readonly string[];
  /** Label the issuer gave; for run keys `conductor/<workflowId>`. */
  readonly runLabel: string | null;
  /** The execution it belongs to: set for run keys and for labels `conductor/<workflowId>`. */
  readonly runId: string | null;
  readonly name: string | null;
  /** API key id, or `budget` for a run key. */
  readonly issuedBy: string;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly revokedMs: number;
  /** Idempotency-Key of the issue call, and a digest of its request. */
  readonly idempotencyKey: string | null;
  readonly requestDigest: string | null;
}

/** reserved: counted, not yet answered · settled: counted at its true cost · released: not counted · uncertain: counted, outcome unknown. */
export type ChargeState = 'reserved' | 'settled' | 'released' | 'uncertain';

export interface Charge {
  readonly rowId: number;
  readonly keyId: string;
  readonly state: ChargeState;
  /** What counts against the cap now. */
  readonly amountMicros: number;
  readonly reservedMs: number;
  readonly settledMs: number;
  /** Digest of (upstream account, method, path, idempotency key): the same request again reserves nothing. */
  readonly fingerprint: string;
  /** Digest of the body, to tell a replay from a reuse with other parameters. */
  readonly bodyDigest: string;
  readonly idempotencyKey: string;
  readonly runId: string | null;
  readonly ref: string | null;
  readonly attempt: number;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** Canonical body, kept while the outcome is open so that it can be asked again; "" afterwards. */
  readonly body: string;
  readonly vendorObjectId: string | null;
}

export interface AuditEntry {
  /** 0 before it is written; ascending afterwards. */
  readonly id: number;
  readonly atMs: number;
  readonly requestId: string;
  readonly keyId: string | null;
  readonly runLabel: string | null;
  /** Caller's x-agent-run-id, at most 255 characters. */
  readonly agentRunId: string | null;
  readonly runId: string | null;
  readonly ref: string | null;
  readonly attempt: number;
  readonly vendor: string;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** `allowed`, `denied_<code>` or `error`. */
  readonly verdict: string;
  readonly reason: string | null;
  readonly vendorStatus: number;
  readonly vendorRequestId: string | null;
  readonly vendorObjectId: string | null;
  readonly replayed: boolean;
  readonly estimateMicros: number;
  readonly costMicros: number;
  readonly currency: string | null;
  readonly amountMinor: number;
  /** What counted against the cap after this call. */
  readonly capUsageMicros: number;
  readonly customerScopeId: string | null;
  readonly proxyMs: number;
  readonly vendorMs: number;
}
