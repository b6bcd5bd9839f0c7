// Seldom-changed nouns that processes keep in memory (definitions, schedules' times, API keys, vendor secrets): read anew when another
// process has written them. Owns the last stamps seen; must never answer a caller from before its question.
import type { SharedStore, Stamps } from './shared-port.ts';

export type Reload = () => Promise<void>;

export class Freshness {
  readonly #shared: SharedStore;
  readonly #reloads: Record<keyof Stamps, Reload[]> = {
    definitions: [],
    schedules: [],
    apiKeys: [],
    vendorSecrets: [],
  };
  #known: Stamps;
  /** The read under way, which may have begun before a caller asked, and the one that begins after it. */
  #reading: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #accepting: Promise<void> = Promise.resolve();

  private constructor(shared: SharedStore, known: Stamps) {
    this.#shared = shared;
    this.#known = known;
  }

  /** Take the stamps before the nouns are first read: a change in between is then read twice, not missed. */
  static async open(shared: SharedStore): Promise<Freshness> {
    return new Freshness(shared, await shared.stamps());
  }

  /** `reload` must replace what memory holds with what is committed. If it fails, the change is still to be read. */
  onChange(noun: keyof Stamps, reload: Reload): void {
    this.#reloads[noun].push(reload);
  }

  /** Resolves when memory holds everything committed before this call. One read serves all who ask meanwhile. */
  ensure(): Promise<void> {
    if (!this.#reading) {
      this.#reading = this.#read().finally(() => {
        this.#reading = null;
      });
      return this.#reading;
    }
    this.#next ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.ensure();
      });
    return this.#next;
  }

  /** Takes in stamps that were read elsewhere, such as at a round's start. Undefined when nothing has changed. */
  accept(stamps: Stamps): Promise<void> | undefined {
    if (this.#stale(stamps).length === 0) return undefined;
    this.#accepting = this.#accepting.catch(() => undefined).then(() => this.#reload(stamps));
    return this.#accepting;
  }

  async #read(): Promise<void> {
    await this.accept(await this.#shared.stamps());
  }

  #stale(stamps: Stamps): (keyof Stamps)[] {
    const nouns = ['definitions', 'schedules', 'apiKeys', 'vendorSecrets'] as const;
    return nouns.filter((noun) => stamps[noun] > this.#known[noun]);
  }

  async #reload(stamps: Stamps): Promise<void> {
    for (const noun of this.#stale(stamps)) {
      await Promise.all(this.#reloads[noun].map((reload) => reload()));
      this.#known = { ...this.#known, [noun]: stamps[noun] };
    }
  }
}
