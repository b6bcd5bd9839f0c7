// Requests that are at the vendor now, by key and fingerprint: a duplicate waits for the first instead of racing it.
// Lives in this process only; must never outlast the call it stands for.

export interface Flight {
  /** Resolves when the first request has been settled. */
  readonly landed: Promise<void>;
  /** Idempotent. */
  land(): void;
}

export class Flights {
  readonly #open = new Map<string, Flight>();

  get(keyId: string, fingerprint: string): Flight | undefined {
    return this.#open.get(`${keyId}\n${fingerprint}`);
  }

  start(keyId: string, fingerprint: string): Flight {
    const id = `${keyId}\n${fingerprint}`;
    let resolve: () => void = () => undefined;
    const landed = new Promise<void>((done) => {
      resolve = done;
    });
    const flight = {
      landed,
      land: () => {
        if (this.#open.get(id) === flight) this.#open.delete(id);
        resolve();
      },
    };
    this.#open.set(id, flight);
    return flight;
  }
}
