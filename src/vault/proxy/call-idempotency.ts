// Stage 7: under which idempotency key a call goes to the vendor. A caller's own key is forwarded unchanged; a task's
// call without one, or with one that its SDK made up, gets the derived one. Owns the request's identity.
import type { HeaderLookup } from '../../access/access.ts';
import type { TaskScope } from '../keys/key-text.ts';
import type { Digest } from '../ledger/digest.ts';
import { derivedKey, type TaskIdempotency } from '../ledger/task-idempotency.ts';
import type { DerivedCall } from '../ledger/task-ordinal.ts';
import type { Vendor, VendorCall } from '../vendors/vendor.ts';
import { Refusal } from './refusal.ts';

export interface CallIdempotency {
  readonly key: string | null;
  /** The caller can send the very same request again: its key is its own, its SDK's, or derived. */
  readonly repeatable: boolean;
  /** Set where several processes share the store: the key is derived with the reservation, from the charges of the key. */
  readonly derived: DerivedCall | null;
  done(definite: boolean): void;
}

export interface Calling {
  readonly call: VendorCall;
  readonly vendor: Vendor;
  readonly header: HeaderLookup;
  readonly keyId: string;
  readonly task: TaskScope | null;
  readonly secretTag: string;
  readonly digest: Digest;
}

const NOTHING = () => undefined;
const KEY = /^[\x20-\x7e]{1,255}$/;

/** `ordinals`: null where they are read from the charges. Throws Refusal malformed_request. */
export function callIdempotency(calling: Calling, ordinals: TaskIdempotency | null, now: number): CallIdempotency {
  const { call, vendor, header, keyId, task, secretTag, digest } = calling;
  const sent = header('idempotency-key') || null;
  if (sent !== null && !KEY.test(sent)) {
    throw new Refusal(
      'malformed_request',
      'malformed_request: Idempotency-Key must be 1 to 255 printable ASCII characters.',
    );
  }
  const automatic = sent !== null && vendor.automaticIdempotencyKey(sent, header);
  if (call.method !== 'POST' || task === null || (sent !== null && !automatic)) {
    return { key: sent, repeatable: sent !== null, derived: null, done: NOTHING };
  }
  const account = vendor.account(header);
  const request = digest(`${account}\n${call.method} ${call.path}\n${call.params.canonical}`);
  if (!ordinals) {
    const at = (ordinal: number) => {
      const idempotencyKey = derivedKey(task, request, ordinal, digest);
      return { idempotencyKey, fingerprint: digest(sameCall(secretTag, account, call, idempotencyKey)) };
    };
    const derived = { attempt: task.attempt, automatic: sent === null ? null : digest(sent), at };
    return { key: null, repeatable: true, derived, done: NOTHING };
  }
  const assigned = ordinals.assign(keyId, task, request, sent, now);
  return { key: assigned.key, repeatable: true, derived: null, done: assigned.done };
}

/** What makes two charging calls the same one to the vendor; its digest is their fingerprint. */
export function sameCall(secretTag: string, account: string, call: VendorCall, idempotencyKey: string): string {
  return `${secretTag}\n${account}\n${call.method} ${call.path}\n${idempotencyKey}`;
}
