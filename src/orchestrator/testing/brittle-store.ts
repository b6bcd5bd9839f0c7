// A store whose commits fail as a database's do when it goes away: before it has written, or after, when only the answer
// is lost.
import { AppError } from '../../model/error.ts';
import type { SentCommit, Store } from '../../store/port.ts';
import type { WriteBatch } from '../../store/write-batch.ts';

export interface BrittleStore extends Store {
  /** Commits for which it answers something fail. */
  failing: (batch: WriteBatch) => 'before writing' | 'after writing' | null;
  readonly failures: number;
}

export function brittle(store: Store): BrittleStore {
  let failures = 0;
  const fail = () => {
    failures += 1;
    return Promise.reject<void>(new AppError('store_unavailable', 'The connection has ended.'));
  };
  const lost = new WeakSet<SentCommit>();
  const losing = (id: number, done: Promise<void>): SentCommit => {
    const sent = { id, done: done.then(fail) };
    lost.add(sent);
    return sent;
  };
  const commitBehind: Store['commitBehind'] = (batch, earlier) => {
    const how = made.failing(batch);
    if (how === 'before writing' || (earlier && lost.has(earlier)))
      return losing(0, earlier?.done ?? Promise.resolve());
    const sent = store.commitBehind?.(batch, earlier) ?? { id: 0, done: Promise.resolve() };
    return how === 'after writing' ? losing(sent.id, sent.done) : sent;
  };
  const made: BrittleStore = {
    failing: () => null,
    get failures() {
      return failures;
    },
    reads: store.reads,
    fresh: store.fresh,
    shared: store.shared,
    commitBehind: store.commitBehind && commitBehind,
    newRowId: (kind) => store.newRowId(kind),
    prune: (ages, limit) => store.prune(ages, limit),
    close: () => store.close(),
    round: async () => {
      const round = await store.round();
      return {
        loadRuns: (wanted) => round.loadRuns(wanted),
        startedWith: (keys) => round.startedWith(keys),
        loadSchedules: (names) => round.loadSchedules(names),
        abandon: () => round.abandon(),
        shared: round.shared,
        commit: async (batch) => {
          const how = made.failing(batch);
          if (how === 'before writing') return fail();
          await round.commit(batch);
          if (how === 'after writing') return fail();
        },
      };
    },
  };
  return made;
}
