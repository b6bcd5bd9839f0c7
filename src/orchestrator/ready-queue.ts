// Tasks that may be handed out now, by queue: higher priority first, first in first out inside one priority.
// Removal is lazy: an entry counts only while its `live` flag stands. Holds no task state.

export interface ReadyEntry {
  readonly taskRowId: number;
  readonly runRowId: number;
  readonly priority: number;
  /** Cleared when the task left the queue by another way (cancelled, timed out). */
  live: boolean;
}

class Fifo {
  #items: ReadyEntry[] = [];
  #head = 0;

  push(entry: ReadyEntry): void {
    this.#items.push(entry);
  }

  unshift(entry: ReadyEntry): void {
    if (this.#head > 0) {
      this.#head -= 1;
      this.#items[this.#head] = entry;
    } else this.#items.unshift(entry);
  }

  shift(): ReadyEntry | undefined {
    const entry = this.#items[this.#head];
    if (entry === undefined) return undefined;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }
}

export class ReadyQueue {
  readonly #byPriority = new Map<number, Fifo>();
  /** Priorities seen, highest first. */
  #priorities: number[] = [];
  #size = 0;

  /** Live entries. */
  get size(): number {
    return this.#size;
  }

  push(entry: ReadyEntry): void {
    this.#fifo(entry.priority).push(entry);
    this.#size += 1;
  }

  /** Returns an entry that was taken but could not be handed out; several go back last first. */
  putBack(entry: ReadyEntry): void {
    this.#fifo(entry.priority).unshift(entry);
    this.#size += 1;
  }

  take(): ReadyEntry | undefined {
    if (this.#size === 0) return undefined;
    for (const priority of this.#priorities) {
      const fifo = this.#fifo(priority);
      for (let entry = fifo.shift(); entry; entry = fifo.shift()) {
        if (!entry.live) continue;
        this.#size -= 1;
        return entry;
      }
    }
    return undefined;
  }

  remove(entry: ReadyEntry): void {
    if (!entry.live) return;
    entry.live = false;
    this.#size -= 1;
  }

  #fifo(priority: number): Fifo {
    let fifo = this.#byPriority.get(priority);
    if (!fifo) {
      fifo = new Fifo();
      this.#byPriority.set(priority, fifo);
      this.#priorities = [...this.#byPriority.keys()].sort((a, b) => b - a);
    }
    return fifo;
  }
}

/** Key of the queue of a task type within a domain; `type` alone outside domains. */
export function queueKey(queue: string, domain: string | null): string {
  return domain === null ? queue : `${domain}:${queue}`;
}
