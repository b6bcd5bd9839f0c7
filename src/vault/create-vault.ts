// The vault, put together: keys, secrets, ledger, proxy and control around one transactor. Owns the wiring and the start;
// must never import a store, an HTTP framework or the runtime.
import type { Egress, Upstream } from '../egress/egress.ts';
import type { AuditEntry } from '../model/vault.ts';
import type { Clock, Transactor } from '../orchestrator/ports.ts';
import type { Freshness } from '../store/freshness.ts';
import type { Reads } from '../store/reads.ts';
import type { SharedStore } from '../store/shared-port.ts';
import { KeyControl } from './control/key-control.ts';
import { FreshKeys } from './keys/fresh-keys.ts';
import { KeyRegistry } from './keys/key-registry.ts';
import { keyTexts } from './keys/key-text.ts';
import { deriveKeys, type MasterKeys } from './keys/master-keys.ts';
import { ownedKeys, type RoundKeys } from './keys/round-keys.ts';
import { runHooks, type VaultRunHooks } from './keys/run-hooks.ts';
import { RunKeyBook } from './keys/run-key-book.ts';
import { type Digest, digest } from './ledger/digest.ts';
import { type KeyStates, OwnedStates } from './ledger/key-states.ts';
import { Ledger } from './ledger/ledger.ts';
import { SharedStates } from './ledger/shared-states.ts';
import { TaskIdempotency } from './ledger/task-idempotency.ts';
import { ownsPath } from './proxy/address.ts';
import { Background } from './proxy/background.ts';
import { requireLiveNow } from './proxy/known-key.ts';
import { handleCall } from './proxy/pipeline.ts';
import type { ProxyContext } from './proxy/proxy-context.ts';
import { Resolver } from './proxy/resolver.ts';
import { StoreHealth } from './proxy/store-health.ts';
import type { VaultProxy } from './proxy-api.ts';
import { SecretStore } from './secrets/secret-store.ts';
import { stripe } from './vendors/stripe/stripe.ts';
import type { Vendor } from './vendors/vendor.ts';

export interface VaultOptions {
  readonly transactor: Transactor;
  readonly reads: Reads;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Exactly 32 bytes. */
  readonly masterKey: Uint8Array;
  readonly newChargeRowId: () => number;
  /** Set when other processes write to the same store; `transactor` is then a loop of the vault's own. */
  readonly shared: SharedStore | null;
  /** Reads vendor secrets anew that another process has written. Asked before each request, by whoever serves them. */
  readonly freshness: Freshness | null;
  /** Origin per vendor, such as `https://api.stripe.com`. */
  readonly upstreams: { readonly stripe: string };
  readonly egress: Egress;
  /** Secrets by vendor that the operator gave by the environment; stored ones win. */
  readonly environmentSecrets?: Readonly<Record<string, string | undefined>>;
  /** Where callers reach this server: asked when a key is shown, so that a server may learn its port first. */
  readonly publicUrl: () => string;
  readonly bodyBytesMax?: number;
  /** A faster implementation of the runtime's. */
  readonly digest?: Digest;
  /** Open charges per key at once. */
  readonly inFlightMax?: number;
  /** Takes what should not happen: defects, never secrets. */
  readonly log?: (message: string) => void;
}

export interface Vault {
  readonly hooks: VaultRunHooks;
  readonly proxy: VaultProxy;
  readonly keys: KeyControl;
  readonly secrets: SecretStore;
  readonly reads: Pick<Reads, 'audit' | 'spend'>;
  readonly vendors: ReadonlySet<string>;
  publicUrl(): string;
  now(): number;
  /** One look at every charge whose outcome is open; what stays open is asked again later. Call it once at the start. */
  recover(): Promise<void>;
  /** Waits for settlements under way, then stops asking. */
  close(): Promise<void>;
}

const VENDORS: readonly Vendor[] = [stripe];
const BODY_BYTES_MAX = 1024 * 1024;
const IN_FLIGHT_MAX = 20_000;

/** Throws when the master key has the wrong length or does not open a stored secret. */
export async function createVault(options: VaultOptions): Promise<Vault> {
  const { transactor, reads, clock } = options;
  const now = () => clock.now();
  const masterKeys = deriveKeys(options.masterKey);
  const texts = keyTexts(masterKeys.keyMac);
  const registry = new KeyRegistry(reads);
  const found = keysOf(options, registry);
  const { fresh, keys, states } = found;
  const ledger = new Ledger({
    ...{ transactor, reads, states, now },
    shared: options.shared !== null,
    newChargeRowId: options.newChargeRowId,
    inFlightMax: options.inFlightMax ?? IN_FLIGHT_MAX,
  });
  const secrets = secretStore(options, masterKeys);
  const vendors = new Set(VENDORS.map(({ name }) => name));
  const { placeholderMac } = masterKeys;
  const hooks = runHooks({ reads, registry, known: found.runKeys, texts, placeholderMac, vendors });
  const background = new Background((message) => options.log?.(message));
  const context = proxyContext(options, { registry, ledger, secrets, texts, fresh, background });
  const resolver = new Resolver(context);
  context.watch = (charge) => resolver.watch(charge);
  await Promise.all([options.shared ? undefined : registry.load(now()), secrets.load()]);
  options.freshness?.onChange('vendorSecrets', () => secrets.load());
  const open = () => {
    if (options.shared) registry.sweep(now());
    return reads.openCharges();
  };
  if (options.shared) resolver.scanOften(open);
  const control = {
    transactor,
    reads,
    clock,
    newId: options.newId,
    registry,
    keys,
    fresh,
    texts,
    ledger,
    hooks,
    vendors,
  };
  return {
    hooks,
    secrets,
    vendors,
    now,
    publicUrl: options.publicUrl,
    keys: new KeyControl(control),
    proxy: { handle: (request) => handleCall(context, request), owns: (path) => ownsPath(VENDORS, path) },
    reads: settledReads(transactor, reads),
    recover: async () => (options.shared ? resolver.scan(open) : resolver.resolve(await open())),
    async close() {
      resolver.close();
      await background.close();
      await Promise.all(Object.values(context.upstreams).map((upstream) => upstream.close()));
    },
  };
}

interface FoundKeys {
  readonly states: KeyStates;
  readonly keys: RoundKeys;
  readonly fresh: FreshKeys | null;
  readonly runKeys: RunKeyBook | null;
}

/** Memory is the truth where this process alone writes; where others do, the store is, under a lock. */
function keysOf({ clock, reads, shared, transactor }: VaultOptions, registry: KeyRegistry): FoundKeys {
  const now = () => clock.now();
  if (shared) {
    const states = new SharedStates({ reads, registry, now });
    return { states, keys: states, fresh: new FreshKeys(reads), runKeys: new RunKeyBook(reads) };
  }
  transactor.onLost(() => registry.lost());
  return { states: new OwnedStates({ reads, registry, now }), keys: ownedKeys(registry), fresh: null, runKeys: null };
}

function secretStore({ transactor, reads, clock, environmentSecrets }: VaultOptions, keys: MasterKeys): SecretStore {
  return new SecretStore({ transactor, reads, clock, keys, environment: environmentSecrets ?? {} });
}

type Parts = Pick<ProxyContext, 'registry' | 'ledger' | 'texts' | 'fresh'> & {
  secrets: SecretStore;
  background: Background;
};
type WiredContext = ProxyContext & { watch: ProxyContext['watch']; readonly upstreams: Record<string, Upstream> };

function proxyContext(options: VaultOptions, parts: Parts): WiredContext {
  const { transactor, clock, egress } = options;
  const { background, secrets, ...stages } = parts;
  const digestOf = options.digest ?? digest;
  const stripeUpstream = egress.upstream(options.upstreams.stripe);
  const upstreams: Record<string, Upstream> = { stripe: stripeUpstream };
  const health = new StoreHealth(transactor);
  return {
    ...stages,
    upstreams,
    vendors: VENDORS,
    ordinals: parts.fresh ? null : new TaskIdempotency(digestOf),
    digest: digestOf,
    bodyBytesMax: options.bodyBytesMax ?? BODY_BYTES_MAX,
    now: () => clock.now(),
    newRequestId: requestIds(options.newId()),
    upstream: (vendor) => upstreams[vendor] ?? stripeUpstream,
    secret: (vendor) => secrets.get(vendor),
    audit: (entry: AuditEntry) =>
      transactor.submit({ pipelined: true, decide: (batch) => void batch.audit.push(entry) }),
    requireOpen: async (keyId) => {
      await health.require();
      if (parts.fresh) await requireLiveNow(keyId, parts.fresh, () => clock.now());
    },
    watch: () => undefined,
    background: (work) => background.run(work),
    defect: (error) =>
      options.log?.(`vault defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    mayAuditUnknown: unknownCallers(() => clock.now()),
  };
}

/** Unique over restarts by what is made once, within the process by counting: an id per call need not be random. */
function requestIds(processId: string): () => string {
  const prefix = `req_${processId.replaceAll('-', '')}`;
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}${count.toString(36)}`;
  };
}

/** Callers without a key may not fill the audit: so many refusals a second are written, the rest only answered. */
function unknownCallers(now: () => number, perSecond = 50): () => boolean {
  let secondMs = 0;
  let written = 0;
  return () => {
    const current = now();
    if (current - secondMs >= 1000 || current < secondMs) {
      secondMs = current;
      written = 0;
    }
    written += 1;
    return written <= perSecond;
  };
}

/** A caller sees its own calls: what was submitted before is committed before it is read. */
function settledReads(transactor: Transactor, reads: Reads): Vault['reads'] {
  return {
    audit: async (filter) => {
      await transactor.settled();
      return reads.audit(filter);
    },
    spend: async (runId) => {
      await transactor.settled();
      return reads.spend(runId);
    },
  };
}
