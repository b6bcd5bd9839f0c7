// Two openers of one database, as the shared conformance takes them, and the little it needs to work with them.
import type { Round, Store } from './port.ts';
import type { SharedRound, SharedStore } from './shared-port.ts';

export interface TwoStores {
  readonly first: Store;
  readonly second: Store;
  dispose(): Promise<void>;
}

/** Opens a round, and gives back what it held. */
export async function inRound<T>(store: Store, work: (round: Round, shared: SharedRound) => Promise<T>): Promise<T> {
  const round = await store.round();
  try {
    if (!round.shared) throw new Error('The store is not shared.');
    return await work(round, round.shared);
  } finally {
    await round.abandon();
  }
}

export function sharedOf(store: Store): SharedStore {
  if (!store.shared) throw new Error('The store is not shared.');
  return store.shared;
}
