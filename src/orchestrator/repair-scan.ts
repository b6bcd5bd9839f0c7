// Compares what is stored as open with what memory holds of it, a page at a time and then from the start again.
import type { Reads } from '../store/reads.ts';
import type { Schedule } from './schedule.ts';

const PAGE = 200;

export class RepairScan {
  readonly #reads: Reads;
  readonly #schedule: Schedule;
  #afterRowId = 0;

  constructor(reads: Reads, schedule: Schedule) {
    this.#reads = reads;
    this.#schedule = schedule;
  }

  /** The first disagreement of the next page, in words for the log; null when there is none. */
  async next(now: number): Promise<string | null> {
    const page = await this.#reads.openRuns(this.#afterRowId, PAGE);
    this.#afterRowId = page.length < PAGE ? 0 : (page.at(-1)?.rowId ?? 0);
    let found: string | null = null;
    for (const run of page) found ??= this.#schedule.disagreement(run, now);
    return found;
  }
}
