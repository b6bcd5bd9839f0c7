// The store's open work, a page at a time, ascending: what queues and timers are rebuilt from.
import type { OpenRun, Reads } from '../store/reads.ts';

const PAGE = 1_000;

export async function* openRuns(reads: Reads): AsyncGenerator<OpenRun> {
  for (let after = 0; ; ) {
    const page = await reads.openRuns(after, PAGE);
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.rowId;
  }
}
