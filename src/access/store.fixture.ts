// For tests of what happens around a commit: the store as it is, but for the instant of its commits.
import type { Round, Store } from '../store/port.ts';
import type { WriteBatch } from '../store/write-batch.ts';

/** `commit` runs in place of a round's own, which it is given. */
export function withCommit(store: Store, commit: (round: Round, batch: WriteBatch) => Promise<void>): Store {
  return {
    reads: store.reads,
    fresh: store.fresh,
    shared: store.shared,
    commitBehind: null,
    newRowId: (kind) => store.newRowId(kind),
    prune: (...asked) => store.prune(...asked),
    close: () => store.close(),
    async round() {
      const round = await store.round();
      return {
        shared: round.shared,
        loadRuns: (wanted) => round.loadRuns(wanted),
        startedWith: (keys) => round.startedWith(keys),
        loadSchedules: (names) => round.loadSchedules(names),
        abandon: () => round.abandon(),
        commit: (batch) => commit(round, batch),
      };
    },
  };
}
