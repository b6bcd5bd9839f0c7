// How many bytes of large bodies are in memory at once: what is read is parsed, decided on and written, and takes several
// times its length until its reply has left. Whoever would be too much waits, and his body with him on the wire. Must never
// keep a small request waiting, nor hold anything for a caller who has gone.
import type { ServerResponse } from 'node:http';

/** Smaller bodies are not counted. */
const LARGE_BYTES = 256 * 1024;

interface Waiting {
  readonly bytes: number;
  readonly start: () => void;
}

export class BodyBudget {
  readonly #bytesMax: number;
  #heldBytes = 0;
  #waiting: Waiting[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Undefined: read it now. Else resolves when it may be read, or the caller has gone. */
  take(bytes: number, response: ServerResponse): Promise<void> | undefined {
    if (bytes <= LARGE_BYTES) return undefined;
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#hold(bytes, response);
      return undefined;
    }
    return new Promise((resolve) => {
      const waiting = {
        bytes,
        start: () => {
          response.off('close', leave);
          this.#hold(bytes, response);
          resolve();
        },
      };
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        resolve();
      };
      this.#waiting.push(waiting);
      response.once('close', leave);
    });
  }

  /** One is always let in, however large. */
  #fits(bytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + bytes <= this.#bytesMax;
  }

  #hold(bytes: number, response: ServerResponse): void {
    this.#heldBytes += bytes;
    response.once('close', () => {
      this.#heldBytes -= bytes;
      this.#next();
    });
  }

  #next(): void {
    for (let [first] = this.#waiting; first && this.#fits(first.bytes); [first] = this.#waiting) {
      this.#waiting.shift();
      first.start();
    }
  }
}
