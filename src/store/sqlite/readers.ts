// The reading threads, taken in turn. Reads see what is committed when they start; they never wait for the writer.
// Copying the write-ahead log back into the file is done here too, so that commits do not pay for it.
import type { Row, SqlValue } from './driver.ts';
import type { Query } from './messages.ts';
import { DatabaseThread } from './thread.ts';

/** What a read needs of the database. */
export interface Querier {
  /** The rows of each query, all from one snapshot. */
  query(...queries: readonly Query[]): Promise<readonly (readonly Row[])[]>;
  all(sql: string, ...values: SqlValue[]): Promise<readonly Row[]>;
}

export class Readers implements Querier {
  readonly #threads: readonly DatabaseThread[];
  #turn = 0;
  #checkpointing = false;

  private constructor(threads: readonly DatabaseThread[]) {
    this.#threads = threads;
  }

  static async start(path: string, count: number): Promise<Readers> {
    const starting = Array.from({ length: count }, () => DatabaseThread.start('reader', path));
    const started = await Promise.allSettled(starting);
    const threads = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const readers = new Readers(threads);
    const failed = started.find((outcome) => outcome.status === 'rejected');
    if (!failed) return readers;
    await readers.close();
    throw failed.reason;
  }

  query(...queries: readonly Query[]): Promise<readonly (readonly Row[])[]> {
    return this.#next().query(...queries);
  }

  all(sql: string, ...values: SqlValue[]): Promise<readonly Row[]> {
    return this.#next().all(sql, ...values);
  }

  /** One at a time; a checkpoint that fails is made up for by the next. */
  checkpoint(): void {
    if (this.#checkpointing) return;
    this.#checkpointing = true;
    this.#next()
      .request({ kind: 'checkpoint' })
      .catch(() => undefined)
      .finally(() => {
        this.#checkpointing = false;
      });
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #next(): DatabaseThread {
    this.#turn = (this.#turn + 1) % this.#threads.length;
    const thread = this.#threads[this.#turn];
    if (!thread) throw new Error('A store needs at least one reader.');
    return thread;
  }
}
