// Run keys where several processes share the store: written with the run by whichever process starts or ends it, in the
// orchestrator's rounds, which lock no vault key. Owns the knowledge of which run keys exist: they come with the run or
// never, so what was read once stays true. Must never say what a key may still do.
import type { VaultKey } from '../../model/vault.ts';
import type { Reads } from '../../store/reads.ts';
import type { ReopenedRun, WriteBatch } from '../../store/write-batch.ts';

const KNOWN_MAX = 100_000;

export class RunKeyBook {
  readonly #reads: Pick<Reads, 'vaultKey'>;
  /** By key id; the longest known first. */
  readonly #exists = new Map<string, boolean>();

  constructor(reads: Pick<Reads, 'vaultKey'>) {
    this.#reads = reads;
  }

  /** The key goes into the batch that starts its run. */
  started(key: VaultKey, batch: WriteBatch): void {
    const at = batch.vaultKeys.findIndex(({ id }) => id === key.id);
    if (at < 0) batch.vaultKeys.push(key);
    else batch.vaultKeys[at] = key;
    this.#know(key.id, true);
  }

  /** The store revokes every live key of the run; those of this batch are revoked here. */
  ended(runId: string, batch: WriteBatch, now: number): void {
    batch.endedRuns.push({ id: runId, atMs: now });
    for (const [at, key] of batch.vaultKeys.entries()) {
      if (key.runId === runId && key.revokedMs === 0) batch.vaultKeys[at] = { ...key, revokedMs: now };
    }
  }

  /** The store gives back every key that ended with the run; where that was in this very batch, it never ended. */
  reopened(run: ReopenedRun, batch: WriteBatch): void {
    const { endedRuns, vaultKeys } = batch;
    const ended = endedRuns.findIndex(({ id, atMs }) => id === run.id && atMs === run.endedMs);
    if (ended >= 0) endedRuns.splice(ended, 1);
    for (const [at, key] of vaultKeys.entries()) {
      if (key.runId === run.id && key.revokedMs === run.endedMs) vaultKeys[at] = { ...key, revokedMs: 0 };
    }
    batch.reopenedRuns.push(run);
  }

  has(keyId: string): boolean {
    return this.#exists.get(keyId) === true;
  }

  /** Call it when the runs are committed. Undefined when all of it is known. */
  read(keyIds: readonly string[]): Promise<void> | undefined {
    const unknown = [...new Set(keyIds)].filter((id) => !this.#exists.has(id));
    if (unknown.length === 0) return undefined;
    return Promise.all(unknown.map(async (id) => this.#know(id, (await this.#reads.vaultKey(id)) !== null))).then(
      () => undefined,
    );
  }

  #know(keyId: string, exists: boolean): void {
    this.#exists.delete(keyId);
    this.#exists.set(keyId, exists);
    if (this.#exists.size <= KNOWN_MAX) return;
    for (const oldest of this.#exists.keys()) {
      this.#exists.delete(oldest);
      return;
    }
  }
}
