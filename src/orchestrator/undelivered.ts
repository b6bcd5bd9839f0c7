// Tasks that may be in progress in the store though nobody has them: the commit that handed them out was not answered, or
// their result could not be taken. Kept until each is known to be back in its queue, or to be somebody else's.
import type { HandedTask } from './orchestrator-api.ts';

export class Undelivered {
  readonly #giveBack: (handed: HandedTask) => Promise<void>;
  #tasks: readonly HandedTask[] = [];

  /** `giveBack` rejects when the store is away. */
  constructor(giveBack: (handed: HandedTask) => Promise<void>) {
    this.#giveBack = giveBack;
  }

  add(tasks: readonly HandedTask[]): void {
    this.#tasks = [...this.#tasks, ...tasks];
  }

  /** The store has answered again. */
  settle(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const handed of tasks) void this.#giveBack(handed).catch(() => this.add([handed]));
  }
}
