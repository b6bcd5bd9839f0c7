// Stage 7: under which idempotency key a call goes to the vendor. A caller's own key is forwarded unchanged; a task's
// call without one, or with one that its SDK made up, gets the derived one. Owns the request's identity.
import type { HeaderLookup } from '../../access/access.ts';
import type { TaskScope } from '../keys/key-text.ts';
import { digest, type TaskIdempotency } from '../ledger/task-idempotency.ts';
import type { Vendor, VendorCall } from '../vendors/vendor.ts';
import { Refusal } from './refusal.ts';

export interface CallIdempotency {
  readonly key: string | null;
  /** The caller can send the very same request again: its key is its own, its SDK's, or derived. */
  readonly repeatable: boolean;
  done(definite: boolean): void;
}

const KEY = /^[\x20-\x7e]{1,255}$/;

/** Throws Refusal malformed_request. */
export function callIdempotency(
  call: VendorCall,
  vendor: Vendor,
  header: HeaderLookup,
  keyId: string,
  task: TaskScope | null,
  ordinals: TaskIdempotency,
  now: number,
): CallIdempotency {
  const sent = header('idempotency-key') || null;
  if (sent !== null && !KEY.test(sent)) {
    throw new Refusal(
      'malformed_request',
      'malformed_request: Idempotency-Key must be 1 to 255 printable ASCII characters.',
    );
  }
  const automatic = sent !== null && vendor.automaticIdempotencyKey(sent, header);
  if (call.method !== 'POST' || task === null || (sent !== null && !automatic)) {
    return { key: sent, repeatable: sent !== null, done: () => undefined };
  }
  const request = digest(`${vendor.account(header)}\n${call.method} ${call.path}\n${call.params.canonical}`);
  const assigned = ordinals.assign(keyId, task, request, sent, now);
  return { key: assigned.key, repeatable: true, done: assigned.done };
}

/** What makes two charging calls the same one to the vendor. */
export function fingerprintOf(secretTag: string, account: string, call: VendorCall, idempotencyKey: string): string {
  return digest(`${secretTag}\n${account}\n${call.method} ${call.path}\n${idempotencyKey}`);
}
