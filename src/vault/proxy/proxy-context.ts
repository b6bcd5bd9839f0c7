// What the stages share. Made once by create-vault; holds no state of a call.
import type { Upstream } from '../../egress/egress.ts';
import type { AuditEntry, Charge } from '../../model/vault.ts';
import type { KeyRegistry } from '../keys/key-registry.ts';
import type { KeyTexts } from '../keys/key-text.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { TaskIdempotency } from '../ledger/task-idempotency.ts';
import type { OpenSecret } from '../secrets/secret-store.ts';
import type { Vendor } from '../vendors/vendor.ts';

export interface ProxyContext {
  readonly vendors: readonly Vendor[];
  readonly texts: KeyTexts;
  readonly registry: KeyRegistry;
  readonly ledger: Ledger;
  readonly ordinals: TaskIdempotency;
  readonly bodyBytesMax: number;
  now(): number;
  newRequestId(): string;
  upstream(vendor: string): Upstream;
  secret(vendor: string): OpenSecret | undefined;
  /** Resolves when the row is committed. */
  audit(entry: AuditEntry): Promise<void>;
  /** Rejects when the store lost the last commit and still does not take one. */
  requireStore(): Promise<void>;
  /** A charge whose outcome is open: to be asked again later. */
  watch(charge: Charge): void;
  /** Keeps trying in the background; the reservation is durable meanwhile. */
  background(work: () => Promise<void>): void;
  /** Something that should not happen did: for the log, never for the caller. */
  defect(error: unknown): void;
  /** Whether another refusal of an unknown caller may be written. */
  mayAuditUnknown(): boolean;
}
