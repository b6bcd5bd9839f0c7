// Which secrets have been verified lately, and whose they are: so that a busy caller's key is hashed once and not per
// request (6 µs of some 30). Keyed by the text: it lives in this process's memory alone, beside the master key, and is
// found by V8's seeded hash, so a wrong guess meets no byte of it. Says who, never whether they may still: that is asked
// of the key itself at every use.

/** Enough for every worker of a large fleet; the oldest goes first. */
const VERIFIED_MAX = 4096;

export interface Holder {
  readonly keyId: string;
  /** When the secret itself ends (a token); 0 for an API key, whose record says so. */
  readonly expiresMs: number;
}

export class VerifiedSecrets {
  readonly #holders = new Map<string, Holder>();

  holderOf(secret: string): Holder | undefined {
    return this.#holders.get(secret);
  }

  remember(secret: string, holder: Holder): void {
    if (this.#holders.size >= VERIFIED_MAX) this.#forgetOldest();
    this.#holders.set(secret, holder);
  }

  #forgetOldest(): void {
    for (const secret of this.#holders.keys()) {
      this.#holders.delete(secret);
      return;
    }
  }
}
