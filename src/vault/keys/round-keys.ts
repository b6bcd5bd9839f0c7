// What a decision on vault keys may trust. Where one process owns the database that is the registry in memory; where
// several share it, it is what the round under way has locked. Must never answer from memory that another process may
// have overtaken.
import type { VaultKey } from '../../model/vault.ts';
import type { Operation } from '../../orchestrator/ports.ts';
import type { Round } from '../../store/port.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import type { KeyRegistry } from './key-registry.ts';

export interface WantedKeys {
  readonly ids?: readonly string[];
  /** Every live key under this label. */
  readonly label?: string;
  /** Nobody else issues a key that must come only once until the round ends. */
  readonly alone?: boolean;
  /** This run does not end before the round does; BUSY while it is being decided. */
  readonly runRowId?: number;
}

export type Loading = ReturnType<NonNullable<Operation<unknown>['load']>>;

export interface RoundKeys {
  /** For `Operation.load`. */
  load(round: Round, wanted: WantedKeys): Loading;
  /** Within a decision: a key that was loaded. */
  get(id: string): VaultKey | undefined;
  /** Within a decision: the keys under a loaded label that are not revoked. */
  ofLabel(label: string): readonly VaultKey[];
  /** Part of a decision: seen by the next one at once. */
  write(row: VaultKey, batch: WriteBatch): void;
}

/** For a store with a single writer: everything is in memory already. */
export function ownedKeys(registry: KeyRegistry): RoundKeys {
  return {
    load: () => undefined,
    get: (id) => registry.get(id)?.row,
    ofLabel: (label) => registry.liveOfLabel(label),
    write: (row, batch) => registry.write(row, batch),
  };
}
