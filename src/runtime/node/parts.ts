// Builds what stands behind HTTP, in the order in which each part needs the one before, and takes it down in reverse.
// Must never leave an opened part open when a later one fails.
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import type { Access } from '../../access/access.ts';
import type { ApiKeys } from '../../access/api-keys.ts';
import { createAccess } from '../../access/create-access.ts';
import { createEgress } from '../../egress/create-egress.ts';
import type { Egress } from '../../egress/egress.ts';
import { loadScriptRunner } from '../../expressions/javascript.ts';
import { createHttpWorker } from '../../operations/http/http-task.ts';
import { Loop } from '../../orchestrator/loop.ts';
import { createOrchestrator } from '../../orchestrator/orchestrator.ts';
import type { Orchestrator } from '../../orchestrator/orchestrator-api.ts';
import type { Clock } from '../../orchestrator/ports.ts';
import type { Store } from '../../store/port.ts';
import { createSqliteStore } from '../../store/sqlite/store.ts';
import { createVault, type Vault } from '../../vault/create-vault.ts';
import type { ServerLog } from './log.ts';
import { tokenSecretOf } from './secret-files.ts';

export interface PartsOptions {
  readonly dataDir: string;
  readonly masterKey: Uint8Array;
  readonly localKey: string;
  readonly open: boolean;
  /** How callers reach us. */
  readonly publicUrl: string;
  /** Origins beyond the address rules of HTTP tasks. */
  readonly allowOrigins: readonly string[];
  readonly stripeUpstream: string;
  readonly stripeSecret: string | undefined;
  /** Stops accepting requests; resolves when those under way are answered. */
  readonly stopHttp: () => Promise<void>;
  readonly log: ServerLog;
}

export interface Parts {
  readonly clock: Clock;
  readonly store: Store;
  readonly loop: Loop;
  readonly vault: Vault;
  readonly orchestrator: Orchestrator;
  readonly access: Access & ApiKeys;
}

/** Of a vendor call's body: Stripe's own requests stay far below. */
export const VAULT_BODY_BYTES_MAX = 1024 * 1024;

export const systemClock: Clock = { now: () => Date.now() };

export function databasePath(dataDir: string): string {
  return join(dataDir, 'conductor.db');
}

/** What must be undone, the last thing first. */
export class Undo {
  readonly #steps: (() => Promise<void> | void)[] = [];

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  /** Goes on when a step fails, and rejects with the first failure at the end. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Closing steps are added to `undo` as parts open. Rejects when one does not open. */
export async function openParts(options: PartsOptions, undo: Undo): Promise<Parts> {
  const clock = systemClock;
  const store = await createSqliteStore({ path: databasePath(options.dataDir) });
  undo.add(() => store.close());
  const loop = new Loop(store, clock, (error) => options.log.error('a round was lost', { error }));
  undo.add(() => loop.drained());
  const { allowOrigins } = options;
  const egress = createEgress({ allowOrigins: () => allowOrigins });
  undo.add(() => egress.close());
  const access = await createAccess({
    transactor: loop,
    reads: store.reads,
    clock,
    tokenSecret: tokenSecretOf(options.masterKey),
    localKey: options.localKey,
    open: options.open,
  });
  const vault = await openVault(options, { store, loop, egress });
  undo.add(() => vault.close());
  const orchestrator = await createOrchestrator({
    loop,
    store,
    clock,
    hooks: vault.hooks,
    workers: [createHttpWorker(egress)],
    newId: uuidv7,
    random: Math.random,
    script: await loadScriptRunner(),
    onDefect: (what) => options.log.error('the repair scan found a defect', { what }),
  });
  undo.add(async () => {
    const answered = options.stopHttp();
    // Long polls are answered by the orchestrator's end, so HTTP ends after it; vendor calls need the vault till then.
    await orchestrator.stop();
    await answered;
  });
  return { clock, store, loop, vault, orchestrator, access };
}

type VaultSettings = Pick<PartsOptions, 'masterKey' | 'publicUrl' | 'stripeUpstream' | 'stripeSecret' | 'log'>;

interface VaultNeeds extends Pick<Parts, 'store' | 'loop'> {
  readonly egress: Egress;
}

/** Throws when stored secrets were sealed under another master key. */
export function openVault(settings: VaultSettings, { store, loop, egress }: VaultNeeds): Promise<Vault> {
  return createVault({
    transactor: loop,
    reads: store.reads,
    clock: systemClock,
    newId: uuidv7,
    masterKey: settings.masterKey,
    nextChargeRowId: store.nextRowIds.charge,
    upstreams: { stripe: settings.stripeUpstream },
    egress,
    environmentSecrets: { stripe: settings.stripeSecret },
    publicUrl: () => settings.publicUrl,
    bodyBytesMax: VAULT_BODY_BYTES_MAX,
    log: (message) => settings.log.error(message),
  });
}
