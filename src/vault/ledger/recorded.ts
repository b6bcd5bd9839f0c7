// What the rows say was counted for a vendor object, for keys that live longer than memory goes back: an amount that is
// authorised on one day and captured on another counts once. Asked before an operation is decided; what is counted stays
// so, so an answer that is no longer the newest is never too much.
import type { Reads } from '../../store/reads.ts';
import type { KeyStates } from './key-states.ts';
import type { ReservePrice } from './reservation.ts';
import type { Proof } from './settlement.ts';

export interface RecordedOptions {
  readonly reads: Pick<Reads, 'countedFor'>;
  readonly states: Pick<KeyStates, 'peek'>;
  readonly now: () => number;
}

export class Recorded {
  readonly #options: RecordedOptions;

  constructor(options: RecordedOptions) {
    this.#options = options;
  }

  /** Of the first of the objects that the key has paid for. Nothing where it has for none, or memory knows all. */
  async of(keyId: string, objectIds: readonly string[]): Promise<{ readonly recordedMicros?: number }> {
    const { now, reads, states } = this.#options;
    if (states.peek(keyId)?.knowsAll(now())) return {};
    for (const id of objectIds) {
      const recordedMicros = await reads.countedFor(keyId, id);
      if (recordedMicros !== null) return { recordedMicros };
    }
    return {};
  }

  /** The price with what `costBy` needs beside it. Most need nothing, and are not waited for. */
  inPrice(keyId: string, price: ReservePrice | null): ReservePrice | null | Promise<ReservePrice> {
    if (!price || price.basis === 'whole') return price;
    return this.of(keyId, price.objectIds).then((recorded) => ({ ...price, ...recorded }));
  }

  inProof(keyId: string, proof: Proof): Proof | Promise<Proof> {
    const { settlement } = proof;
    if (settlement.kind !== 'charged' || settlement.basis === 'whole' || settlement.objectId === null) return proof;
    const recorded = this.of(keyId, [settlement.objectId]);
    return recorded.then((found) => ({ ...proof, settlement: { ...settlement, ...found } }));
  }
}
