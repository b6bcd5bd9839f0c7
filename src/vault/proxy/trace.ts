// What is known of a call so far, for its audit row. Owns the row's making; must never hold a body, a secret or a key.
import type { AuditEntry, VaultKey } from '../../model/vault.ts';
import type { TaskScope } from '../keys/key-text.ts';
import type { Usage } from '../ledger/reservation.ts';
import type { Price, Vendor } from '../vendors/vendor.ts';

/** Filled in as the call passes the stages. */
export interface Trace {
  readonly requestId: string;
  readonly startedMs: number;
  vendor: Vendor;
  method: string;
  path: string;
  operation: string;
  key: VaultKey | null;
  task: TaskScope | null;
  agentRunId: string | null;
  customer: string | null;
  price: Price | null;
  estimateMicros: number;
  usage: Usage | null;
  /** Already written, with the decision that refused it. */
  audited: boolean;
}

export function startTrace(requestId: string, startedMs: number, vendor: Vendor, method: string, path: string): Trace {
  return {
    requestId,
    startedMs,
    vendor,
    method,
    path: path.slice(0, 255),
    operation: '',
    key: null,
    task: null,
    agentRunId: null,
    customer: null,
    price: null,
    estimateMicros: 0,
    usage: null,
    audited: false,
  };
}

export type AuditOutcome = Pick<AuditEntry, 'verdict' | 'reason'> &
  Partial<
    Pick<
      AuditEntry,
      'vendorStatus' | 'vendorRequestId' | 'vendorObjectId' | 'replayed' | 'costMicros' | 'capUsageMicros' | 'vendorMs'
    >
  >;

export function auditRow(trace: Trace, outcome: AuditOutcome, now: number): AuditEntry {
  const { key, task, price, usage } = trace;
  const vendorMs = outcome.vendorMs ?? 0;
  return {
    id: 0,
    atMs: now,
    requestId: trace.requestId,
    keyId: key?.id ?? null,
    runLabel: key?.runLabel ?? null,
    agentRunId: trace.agentRunId,
    runId: task?.runId ?? key?.runId ?? null,
    ref: task?.ref ?? null,
    attempt: task?.attempt ?? 0,
    vendor: trace.vendor.name,
    operation: trace.operation,
    method: trace.method,
    path: trace.path,
    verdict: outcome.verdict,
    reason: outcome.reason,
    vendorStatus: outcome.vendorStatus ?? 0,
    vendorRequestId: outcome.vendorRequestId ?? null,
    vendorObjectId: outcome.vendorObjectId ?? null,
    replayed: outcome.replayed ?? false,
    estimateMicros: trace.estimateMicros,
    costMicros: outcome.costMicros ?? 0,
    currency: price?.currency ?? null,
    amountMinor: price?.amountMinor ?? 0,
    capUsageMicros: outcome.capUsageMicros ?? (usage ? usage.spentMicros + usage.reservedMicros : 0),
    customerScopeId: trace.customer,
    proxyMs: Math.max(0, now - trace.startedMs - vendorMs),
    vendorMs,
  };
}
