// Stages 2 to 4: the key is ours, is live, and is for this vendor. Unknown, revoked and expired keys take the same way,
// so that the time of an answer tells nothing. Must never accept a key on its text alone: the row decides.
import { AppError } from '../../model/error.ts';
import type { VaultKey } from '../../model/vault.ts';
import type { FreshKeys } from '../keys/fresh-keys.ts';
import type { KeyEntry, KeyRegistry } from '../keys/key-registry.ts';
import type { KeyClaims, TaskScope } from '../keys/key-text.ts';
import type { Vendor } from '../vendors/vendor.ts';
import { readCredential } from './credential.ts';
import type { ProxyContext } from './proxy-context.ts';
import { Refusal } from './refusal.ts';

export interface KnownKey {
  readonly entry: KeyEntry;
  readonly task: TaskScope | null;
}

type KeyContext = Pick<ProxyContext, 'texts' | 'registry' | 'fresh' | 'now'>;

/** Throws Refusal key_unknown. */
export function knownKey(authorization: string | undefined, context: KeyContext): KnownKey | Promise<KnownKey> {
  const { texts, registry, fresh, now } = context;
  const text = readCredential(authorization);
  const claims = text === undefined ? null : texts.read(text);
  if (!claims) throw unknown();
  // In memory for every live key: only others cost a read.
  const entry = registry.get(claims.keyId);
  // Where others write, memory may be too strict as well: its word is taken only for what is checked again later.
  if (entry && (!fresh || isLive(entry.row, now()))) return { entry, task: claims.task };
  return readKey(claims, context);
}

async function readKey({ keyId, task }: KeyClaims, { registry, fresh }: KeyContext): Promise<KnownKey> {
  const entry = await (fresh ? learned(fresh, registry, keyId) : found(registry, keyId));
  if (!entry) throw unknown();
  return { entry, task };
}

/** Throws Refusal key_revoked, key_expired. */
export function requireLive({ row }: Pick<KeyEntry, 'row'>, now: number): void {
  if (row.revokedMs > 0) throw revoked();
  if (row.expiresMs <= now) throw expired();
}

/** Throws Refusal vendor_mismatch. */
export function requireVendor({ row }: KeyEntry, vendor: Vendor): void {
  if (row.vendor === vendor.name) return;
  throw new Refusal(
    'vendor_mismatch',
    `vendor_mismatch: this vault key is for ${row.vendor}, the call goes to ${vendor.name}. Issue a key for ${vendor.name}.`,
  );
}

export function unknown(): Refusal {
  return new Refusal(
    'key_unknown',
    'key_unknown: a vault key is required here, whole and of this server: send it as bearer token or as user of basic authentication.',
  );
}

export function revoked(): Refusal {
  return new Refusal('key_revoked', 'key_revoked: this vault key has been revoked. Ask its issuer for another one.');
}

export function expired(): Refusal {
  return new Refusal('key_expired', 'key_expired: this vault key has expired. Ask its issuer for another one.');
}

/** For a call that reserves nothing: what is committed now lets it pass. Throws Refusal, or AppError('store_unavailable'). */
export async function requireLiveNow(keyId: string, fresh: FreshKeys, now: () => number): Promise<void> {
  const row = await fresh.read(keyId);
  if (!row) throw unknown();
  requireLive({ row }, now());
}

function isLive({ revokedMs, expiresMs }: VaultKey, now: number): boolean {
  return revokedMs === 0 && expiresMs > now;
}

async function learned(fresh: FreshKeys, registry: KeyRegistry, keyId: string): Promise<KeyEntry | null> {
  const row = await fresh.read(keyId);
  return row && registry.learn(row);
}

async function found(registry: KeyRegistry, keyId: string): Promise<KeyEntry | null> {
  try {
    return await registry.find(keyId);
  } catch (error) {
    throw new AppError('store_unavailable', error instanceof Error ? error.message : 'the store did not answer');
  }
}
