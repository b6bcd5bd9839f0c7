// Posts over keep-alive connections and checks the answer. As thin as it can be: it shares the machine with the measured.
import { Pool } from 'undici';

export const AT_ONCE = 128;
const TIMEOUT_MS = 30_000;
/** While others have their turn, connections idle; some servers cut them after 5 s, so we let go first. */
const IDLE_MS = 1000;

export class Post {
  readonly #pool: Pool;

  constructor(origin: string) {
    this.#pool = new Pool(origin, {
      connections: AT_ONCE,
      pipelining: 1,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
    });
  }

  /** The body of a 200; throws on anything else. */
  async send(path: string, body = '{}', headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const reply = await this.#pool.request({
      method: 'POST',
      path,
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
    const text = await reply.body.text();
    if (reply.statusCode !== 200) throw new Error(`POST ${path}: ${reply.statusCode} ${text.slice(0, 300)}`);
    return text;
  }

  /** One run of three steps: all of these peers answer with the number of steps. */
  async three(path: string): Promise<void> {
    const answer = await this.send(path);
    if (answer !== '3') throw new Error(`POST ${path} answered ${answer.slice(0, 100)}, not 3`);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
