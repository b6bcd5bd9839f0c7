// What wakes pollers of other processes: one connection of its own that listens, and notes sent after commits. A note
// may be lost; after a lost connection everybody is told to look everywhere. Must never make a caller wait.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { CLOSE_MS, orAfter } from './pool.ts';
import type { Querier } from './querier.ts';

type OnReady = (keys: readonly string[] | null) => void;

const CHANNEL = 'conductor_ready';
const NOTIFY = `select pg_notify('${CHANNEL}', $1)`;

/** The server refuses a note of 8,000 bytes. */
const NOTE_BYTES_MAX = 7_900;
const KEYS_MAX = 200;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 2_000;
/** A connection that died without a word is found out by a question. */
const PING_MS = 5_000;

/** Tells the other processes, one note at a time; what comes meanwhile goes into the next. */
export class Announcer {
  readonly origin = randomUUID();
  readonly #querier: Querier;
  #waiting = new Set<string>();
  #sending = false;

  constructor(querier: Querier) {
    this.#querier = querier;
  }

  announce(keys: readonly string[]): void {
    for (const key of keys) this.#waiting.add(key);
    if (!this.#sending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#sending = true;
    while (this.#waiting.size > 0) {
      const note = noteOf(this.origin, this.#waiting);
      this.#waiting = new Set();
      await this.#querier.all(NOTIFY, [note], 'notify').catch(() => undefined);
    }
    this.#sending = false;
  }
}

function noteOf(origin: string, keys: ReadonlySet<string>): string {
  const note = JSON.stringify([origin, ...keys]);
  const fits = keys.size <= KEYS_MAX && Buffer.byteLength(note) <= NOTE_BYTES_MAX;
  return fits ? note : JSON.stringify([origin, null]);
}

export interface ListenerOptions {
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** Notes of this origin are our own. */
  readonly origin: string;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #callbacks: OnReady[] = [];
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS_MIN;
  #closed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  onReady(callback: OnReady): void {
    this.#callbacks.push(callback);
  }

  /** Resolves when it listens, or has failed once; it goes on trying by itself. */
  async start(): Promise<void> {
    const { url, connectTimeoutMs } = this.#options;
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: PING_MS,
      keepAlive: true,
    });
    this.#client = client;
    client.on('notification', ({ payload }) => this.#take(payload));
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    } catch {
      return this.#lost(client);
    }
    if (this.#closed) return void client.end().catch(() => undefined);
    this.#retryMs = RETRY_MS_MIN;
    this.#later(PING_MS, () => this.#ping(client));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    if (client)
      await orAfter(
        CLOSE_MS,
        client.end().catch(() => undefined),
      );
  }

  #take(payload = ''): void {
    const [origin, ...keys]: (string | null)[] = parsed(payload);
    if (origin === this.#options.origin) return;
    const named = keys.filter((key) => key !== null);
    this.#tell(named.length === keys.length && named.length > 0 ? named : null);
  }

  #tell(keys: readonly string[] | null): void {
    for (const callback of this.#callbacks) callback(keys);
  }

  #ping(client: pg.Client): void {
    client.query('select 1').then(
      () => this.#client === client && this.#later(PING_MS, () => this.#ping(client)),
      () => this.#lost(client),
    );
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = null;
    client.end().catch(() => undefined);
    this.#later(this.#retryMs, () => void this.#restart());
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  async #restart(): Promise<void> {
    await this.start();
    // Whatever was announced in between is lost.
    if (this.#client && !this.#closed) this.#tell(null);
  }

  #later(delayMs: number, work: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(work, delayMs).unref();
  }
}

/** Somebody else may use the channel's name. */
function parsed(payload: string): (string | null)[] {
  try {
    const note: unknown = JSON.parse(payload);
    return Array.isArray(note) ? note.map((part) => (typeof part === 'string' ? part : null)) : [null];
  } catch {
    return [null];
  }
}
