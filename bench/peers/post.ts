// Posts over keep-alive connections and checks the answer. As thin as it can be: it shares the machine with the measured.
import { ThinClient } from '../thin-client.ts';

export const AT_ONCE = 128;
const TIMEOUT_MS = 30_000;
/** While others have their turn, connections idle; some servers cut them after 5 s, so we let go first. */
const IDLE_MS = 1000;

export class Post {
  readonly #client: ThinClient;

  constructor(origin: string) {
    this.#client = new ThinClient(origin, { connections: AT_ONCE, timeoutMs: TIMEOUT_MS, idleMs: IDLE_MS });
  }

  /** The body of a 200; throws on anything else. */
  async send(path: string, body = '{}', headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const sent = { 'content-type': 'application/json', ...headers };
    const { status, body: text } = await this.#client.request('POST', path, sent, body);
    if (status !== 200) throw new Error(`POST ${path}: ${status} ${text.slice(0, 300)}`);
    return text;
  }

  /** One run of three steps: all of these peers answer with the number of steps. */
  async three(path: string): Promise<void> {
    const answer = await this.send(path);
    if (answer !== '3') throw new Error(`POST ${path} answered ${answer.slice(0, 100)}, not 3`);
  }

  async close(): Promise<void> {
    this.#client.close();
  }
}
