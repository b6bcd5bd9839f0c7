// What a round has locked, and the revisions that follow from it. A row that was not locked must not be written: two
// rounds would give it the same revision, and a third process would never learn of one of them.

export interface LockedRun {
  readonly revision: number;
  readonly priority: number;
}

export class Locks {
  readonly #runs = new Map<number, LockedRun>();
  readonly #keys = new Map<string, number>();
  readonly #schedules = new Set<string>();

  run(rowId: number, locked: LockedRun): void {
    this.#runs.set(rowId, locked);
  }

  /** Revision 0: asked for, and not there. */
  key(id: string, revision: number): void {
    this.#keys.set(id, revision);
  }

  /** Locked, or asked for and not there. */
  schedule(name: string): void {
    this.#schedules.add(name);
  }

  holdsSchedule(name: string): boolean {
    return this.#schedules.has(name);
  }

  holdsRun(rowId: number): boolean {
    return this.#runs.has(rowId);
  }

  /** Throws TypeError for one that is not locked. */
  lockedRun(rowId: number): LockedRun {
    const run = this.#runs.get(rowId);
    if (!run) throw new TypeError(`The round needs run ${rowId}, which it has not locked.`);
    return run;
  }

  /** Undefined: not asked for. */
  keyRevision(id: string): number | undefined {
    return this.#keys.get(id);
  }
}
