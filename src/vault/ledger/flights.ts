// Requests that are at the vendor now, by key and fingerprint: a duplicate waits for the first instead of racing it.
// Lives in this process only; must never outlast the call it stands for.

export interface Flight {
  /** Resolves when the first request has been settled. */
  readonly landed: Promise<void>;
  /** Idempotent. */
  land(): void;
}

export class Flights {
  readonly #open = new Map<string, Map<string, Flight>>();

  get(keyId: string, fingerprint: string): Flight | undefined {
    return this.#open.get(keyId)?.get(fingerprint);
  }

  start(keyId: string, fingerprint: string): Flight {
    const flight = new OpenFlight(this.#open, keyId, fingerprint);
    const ofKey = this.#open.get(keyId);
    if (ofKey) ofKey.set(fingerprint, flight);
    else this.#open.set(keyId, new Map([[fingerprint, flight]]));
    return flight;
  }
}

/** Hardly any has somebody waiting for it: only such a one makes a promise. */
class OpenFlight implements Flight {
  readonly #open: Map<string, Map<string, Flight>>;
  readonly #keyId: string;
  readonly #fingerprint: string;
  #hasLanded = false;
  #landed: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(open: Map<string, Map<string, Flight>>, keyId: string, fingerprint: string) {
    this.#open = open;
    this.#keyId = keyId;
    this.#fingerprint = fingerprint;
  }

  get landed(): Promise<void> {
    this.#landed ??= this.#hasLanded
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    return this.#landed;
  }

  land(): void {
    const ofKey = this.#open.get(this.#keyId);
    if (ofKey?.get(this.#fingerprint) === this) {
      ofKey.delete(this.#fingerprint);
      if (ofKey.size === 0) this.#open.delete(this.#keyId);
    }
    this.#hasLanded = true;
    this.#wake?.();
  }
}
