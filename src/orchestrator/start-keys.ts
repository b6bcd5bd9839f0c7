// Idempotency keys of the starts of one round, asked about in one go: in a shared store that also locks them, all in one
// order.
import type { Round, StartedRun, StartKey } from '../store/port.ts';

export class StartKeys {
  #asked: StartKey[] = [];
  #answer: Promise<readonly (StartedRun | null)[]> | null = null;

  /** The newest committed run with this key. */
  async ask(key: StartKey, round: Round): Promise<StartedRun | null> {
    const position = this.#asked.push(key) - 1;
    this.#answer ??= Promise.resolve().then(() => {
      const asked = this.#asked;
      this.#asked = [];
      this.#answer = null;
      return round.startedWith(asked);
    });
    const answers = await this.#answer;
    return answers[position] ?? null;
  }
}
