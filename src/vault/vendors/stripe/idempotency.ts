// Idempotency keys that Stripe's SDKs make up by themselves. Owns how they are told from a caller's own: theirs are fresh
// with every call, so they would let a retried task charge again.
import type { HeaderLookup } from '../../../access/access.ts';

const NODE = /^stripe-node-retry-/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** These SDKs send a bare random UUID with every POST. */
const UUID_SENDERS = /^Stripe\/v[12] (Python|Ruby|Java|DotNet|\.NET|Php)Bindings\//i;

export function isAutomaticKey(key: string, header: HeaderLookup): boolean {
  return NODE.test(key) || (UUID.test(key) && UUID_SENDERS.test(header('user-agent') ?? ''));
}
