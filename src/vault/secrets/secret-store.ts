// The vendors' real secrets: sealed in the store, open in memory only. A stored secret wins over the environment's.
// Owns their life; must never give one to anybody but the injection at the proxy's last stage.
import { AppError } from '../../model/error.ts';
import type { VendorSecret } from '../../model/vault.ts';
import type { Clock, Transactor } from '../../orchestrator/ports.ts';
import type { Reads } from '../../store/reads.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import type { MasterKeys } from '../keys/master-keys.ts';
import { seal, unseal } from './seal.ts';

export interface OpenSecret {
  readonly text: string;
  /** Tells accounts apart in fingerprints without revealing the secret. */
  readonly tag: string;
}

/** What callers may see of a secret. */
export interface SecretSummary {
  readonly vendor: string;
  readonly name: string;
  readonly source: 'store' | 'environment';
  /** 0 for the environment's. */
  readonly createdMs: number;
}

export interface SecretStoreOptions {
  readonly transactor: Transactor;
  readonly reads: Reads;
  readonly clock: Clock;
  readonly keys: MasterKeys;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export class SecretStore {
  readonly #options: SecretStoreOptions;
  readonly #stored = new Map<string, { row: VendorSecret; open: OpenSecret }>();
  readonly #environment = new Map<string, OpenSecret>();
  #loads = 0;

  constructor(options: SecretStoreOptions) {
    this.#options = options;
    for (const [vendor, text] of Object.entries(options.environment)) {
      if (text) this.#environment.set(vendor, this.#opened(text));
    }
  }

  /** Opens what is stored, in place of what memory held. Throws when the master key does not open it: better no start than calls that all fail. */
  async load(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    const rows = await this.#options.reads.vendorSecrets();
    const opened: { row: VendorSecret; open: OpenSecret }[] = [];
    for (const row of rows) {
      const text = await unseal(row.sealed, contextOf(row), this.#options.keys.wrappingKey).catch(() => {
        throw new Error(
          `The stored secret of vendor "${row.vendor}" cannot be opened with this master key. Start with the master key it was stored under, or remove the secret.`,
        );
      });
      opened.push({ row, open: this.#opened(text) });
    }
    // A look that was taken later has seen more.
    if (load !== this.#loads) return;
    this.#stored.clear();
    for (const secret of opened) this.#stored.set(secret.row.vendor, secret);
  }

  get(vendor: string): OpenSecret | undefined {
    return this.#stored.get(vendor)?.open ?? this.#environment.get(vendor);
  }

  list(): SecretSummary[] {
    const stored = [...this.#stored.values()].map(({ row }) => summary(row));
    const environment = [...this.#environment.keys()]
      .filter((vendor) => !this.#stored.has(vendor))
      .map((vendor) => ({ vendor, name: 'environment', source: 'environment' as const, createdMs: 0 }));
    return [...stored, ...environment];
  }

  async put(vendor: string, text: string, name: string): Promise<SecretSummary> {
    const id = `vs_${vendor}`;
    const sealed = await seal(text, contextOf({ id, vendor }), this.#options.keys.wrappingKey);
    const row = await this.#write((batch, now): VendorSecret => {
      const written = { id, vendor, name, sealed, createdMs: now };
      batch.vendorSecrets.push(written);
      return written;
    });
    return summary(row);
  }

  /** Throws not_found. The environment's secret, if there is one, is used again afterwards. */
  async remove(vendor: string): Promise<void> {
    const stored = this.#stored.get(vendor);
    if (!stored) throw new AppError('not_found', `No secret of vendor "${vendor}" is stored.`);
    await this.#write((batch) => void batch.removedVendorSecrets.push(stored.row.id));
  }

  /** Memory gets what is committed by then, which may be another process's: never what this one wrote by itself. */
  async #write<T>(decide: (batch: WriteBatch, now: number) => T): Promise<T> {
    const written = await this.#options.transactor.submit({ load: (round) => round.shared?.lockStamps(), decide });
    await this.load();
    return written;
  }

  #opened(text: string): OpenSecret {
    return { text, tag: this.#options.keys.secretTag(text) };
  }
}

function contextOf({ id, vendor }: { id: string; vendor: string }): string {
  return `${id}\n${vendor}`;
}

function summary(row: VendorSecret): SecretSummary {
  return { vendor: row.vendor, name: row.name, source: 'store', createdMs: row.createdMs };
}
