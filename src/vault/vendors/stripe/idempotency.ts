// Idempotency keys that Stripe's SDKs make up by themselves. Owns how they are told from a caller's own: theirs are fresh
// with every call, so they would let a retried task charge again.
import type { HeaderLookup } from '../../../access/access.ts';

const NODE = /^stripe-node-retry-/;
/** A random UUID; that of Python has from 15.3 on no bits that tell so. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const UUID_SENDERS = /^Stripe\/v[12] (Python|Ruby|Java|DotNet|\.NET|Php)Bindings\//i;
/** Made of a name (versions 3 and 5 of RFC 9562), and so the same for the same name: a caller's own. */
const OF_A_NAME = /^.{14}[35].{4}[89ab]/i;
/** Nanoseconds, and some characters at random. */
const GO = /^\d{15,20}_[\w-]{6}$/;
const GO_SENDER = /^Stripe\/v[12] GoBindings\//i;

export function isAutomaticKey(key: string, header: HeaderLookup): boolean {
  if (NODE.test(key)) return true;
  const senders = GO.test(key) ? GO_SENDER : UUID.test(key) && !OF_A_NAME.test(key) ? UUID_SENDERS : null;
  return senders?.test(header('user-agent') ?? '') ?? false;
}

/** stripe-go reads no answer below a path of its own, also not that of a charge which it has just made. */
export function needsRoot(header: HeaderLookup): boolean {
  return GO_SENDER.test(header('user-agent') ?? '');
}
