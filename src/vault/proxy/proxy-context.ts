// What the stages share. Made once by create-vault; holds no state of a call.
import type { Upstream } from '../../egress/egress.ts';
import type { AuditEntry, Charge } from '../../model/vault.ts';
import type { FreshKeys } from '../keys/fresh-keys.ts';
import type { KeyRegistry } from '../keys/key-registry.ts';
import type { KeyTexts } from '../keys/key-text.ts';
import type { Digest } from '../ledger/digest.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { TaskIdempotency } from '../ledger/task-idempotency.ts';
import type { OpenSecret } from '../secrets/secret-store.ts';
import type { Vendor } from '../vendors/vendor.ts';

export interface ProxyContext {
  readonly vendors: readonly Vendor[];
  readonly texts: KeyTexts;
  readonly registry: KeyRegistry;
  readonly ledger: Ledger;
  /** Null where several processes share the store: the key's charges tell. */
  readonly ordinals: TaskIdempotency | null;
  /** Set where several processes share the store. */
  readonly fresh: FreshKeys | null;
  readonly bodyBytesMax: number;
  readonly digest: Digest;
  now(): number;
  newRequestId(): string;
  upstream(vendor: string): Upstream;
  secret(vendor: string): OpenSecret | undefined;
  /** Resolves when the row is committed. */
  audit(entry: AuditEntry): Promise<void>;
  /**
   * For a call that reserves nothing: rejects when the store lost the last commit and still does not take one, or when
   * another process has revoked the key.
   */
  requireOpen(keyId: string): Promise<void>;
  /** A charge whose outcome is open: to be asked again later. */
  watch(charge: Charge): void;
  /** Keeps trying in the background; the reservation is durable meanwhile. */
  background(work: () => Promise<unknown>): void;
  /** Something that should not happen did: for the log, never for the caller. */
  defect(error: unknown): void;
  /** Whether another refusal of an unknown caller may be written. */
  mayAuditUnknown(): boolean;
}
