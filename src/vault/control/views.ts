// Vault keys, audit rows and spend as the control API shows them: dollars as JSON numbers, instants as ISO 8601. Owns the
// wire names. A key's text appears only where it is handed out on purpose.
import { usdNumber } from '../../model/money.ts';
import type { AuditEntry, VaultKey } from '../../model/vault.ts';
import type { SpendRow } from '../../store/reads.ts';
import { windowReset } from '../ledger/cap-window.ts';
import type { Usage } from '../ledger/reservation.ts';
import type { SecretSummary } from '../secrets/secret-store.ts';

export type KeyStatus = 'active' | 'revoked' | 'expired';

export interface KeyView {
  readonly key_id: string;
  readonly id: string;
  readonly vendor: string;
  readonly name: string | null;
  readonly agent_run_label: string | null;
  readonly workflow_id: string | null;
  readonly daily_usd_cap: number;
  readonly cap_usd: number;
  readonly cap_window: string;
  readonly cap_status: number;
  readonly allowed_endpoints: readonly string[];
  readonly zero_cost_endpoints: readonly string[];
  readonly status: KeyStatus;
  readonly issued_by: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly revoked_at: string | null;
  readonly proxy_base_url: string;
}

export interface UsageView {
  readonly spent_usd: number;
  readonly reserved_usd: number;
  readonly remaining_usd: number;
  readonly window_resets_at: string | null;
}

export interface IssuedView extends KeyView {
  readonly vault_key: string;
  readonly token: string;
}

export function keyView(key: VaultKey, publicUrl: string, now: number): KeyView {
  return {
    key_id: key.id,
    id: key.id,
    vendor: key.vendor,
    name: key.name,
    agent_run_label: key.runLabel,
    workflow_id: key.runId,
    daily_usd_cap: usdNumber(key.capMicros),
    cap_usd: usdNumber(key.capMicros),
    cap_window: key.capWindow,
    cap_status: key.capStatus,
    allowed_endpoints: key.allowedEndpoints,
    zero_cost_endpoints: key.zeroCostEndpoints,
    status: key.revokedMs > 0 ? 'revoked' : key.expiresMs <= now ? 'expired' : 'active',
    issued_by: key.issuedBy,
    created_at: iso(key.createdMs),
    expires_at: iso(key.expiresMs),
    revoked_at: key.revokedMs > 0 ? iso(key.revokedMs) : null,
    // Ends in /v1: what an SDK appends to it, with or without another /v1, arrives.
    proxy_base_url: `${publicUrl.replace(/\/+$/, '')}/${key.vendor}/v1`,
  };
}

export function usageView(key: VaultKey, usage: Usage, now: number): UsageView {
  const resetsMs = windowReset(key.capWindow, now);
  return {
    spent_usd: usdNumber(usage.spentMicros),
    reserved_usd: usdNumber(usage.reservedMicros),
    remaining_usd: usdNumber(Math.max(0, usage.capMicros - usage.spentMicros - usage.reservedMicros)),
    window_resets_at: resetsMs === null ? null : iso(resetsMs),
  };
}

export function auditView(entry: AuditEntry) {
  return {
    id: entry.id,
    ts: iso(entry.atMs),
    request_id: entry.requestId,
    key_id: entry.keyId,
    agent_run_label: entry.runLabel,
    agent_run_id: entry.agentRunId,
    workflow_id: entry.runId,
    task_reference_name: entry.ref,
    attempt: entry.attempt,
    vendor: entry.vendor,
    operation: entry.operation,
    method: entry.method,
    path: entry.path,
    policy_verdict: entry.verdict,
    verdict_reason: entry.reason,
    vendor_status: entry.vendorStatus,
    vendor_request_id: entry.vendorRequestId,
    vendor_object_id: entry.vendorObjectId,
    replayed: entry.replayed,
    cost_estimated_usd: usdNumber(entry.estimateMicros),
    cost_usd_parsed: usdNumber(entry.costMicros),
    currency: entry.currency,
    amount_minor: entry.amountMinor,
    cap_usage_after_usd: usdNumber(entry.capUsageMicros),
    customer_scope_id: entry.customerScopeId,
    latency_proxy_ms: entry.proxyMs,
    latency_vendor_ms: entry.vendorMs,
  };
}

export type AuditView = ReturnType<typeof auditView>;

interface TaskSpend {
  readonly ref: string;
  readonly vendor: string;
  calls: number;
  allowed: number;
  refused: number;
  costMicros: number;
  readonly vendorObjectIds: string[];
}

/** Totals per task and over all of a run. Calls that named no task stand under an empty reference. */
export function spendView(workflowId: string, rows: readonly SpendRow[]) {
  const tasks = new Map<string, TaskSpend>();
  for (const row of rows) {
    const id = `${row.vendor}\n${row.ref}`;
    const task = tasks.get(id) ?? taskSpend(row);
    tasks.set(id, task);
    task.calls += row.calls;
    task.allowed += row.allowed;
    task.refused += row.refused;
    task.costMicros += row.costMicros;
    task.vendorObjectIds.push(...row.vendorObjectIds);
  }
  const all = [...tasks.values()];
  const sum = (pick: (task: TaskSpend) => number) => all.reduce((total, task) => total + pick(task), 0);
  return {
    workflow_id: workflowId,
    total_usd: usdNumber(sum((task) => task.costMicros)),
    calls: sum((task) => task.calls),
    allowed: sum((task) => task.allowed),
    refused: sum((task) => task.refused),
    tasks: all.map((task) => ({
      task_reference_name: task.ref,
      vendor: task.vendor,
      spent_usd: usdNumber(task.costMicros),
      calls: task.calls,
      allowed: task.allowed,
      refused: task.refused,
      vendor_object_ids: [...new Set(task.vendorObjectIds)],
    })),
  };
}

export type SpendView = ReturnType<typeof spendView>;

export function secretView(secret: SecretSummary) {
  return {
    vendor: secret.vendor,
    name: secret.name,
    source: secret.source,
    created_at: secret.createdMs > 0 ? iso(secret.createdMs) : null,
  };
}

function taskSpend({ ref, vendor }: SpendRow): TaskSpend {
  return { ref, vendor, calls: 0, allowed: 0, refused: 0, costMicros: 0, vendorObjectIds: [] };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
