// The embedded store: one file, one writing thread, one or more reading threads. Owns their lives and the rounds.
// Must never run SQL on the main thread.
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError } from '../../model/error.ts';
import type { PruneAges, Round, RowKind, SentCommit, Store } from '../port.ts';
import type { Reads } from '../reads.ts';
import { numberOf } from '../rows/text-column.ts';
import type { WriteBatch } from '../write-batch.ts';
import type { Write } from './messages.ts';
import { prune } from './prune.ts';
import { definitionReads } from './read-definitions.ts';
import { loadRuns, runReads, startedWith } from './read-runs.ts';
import { loadSchedules, scheduleReads } from './read-schedules.ts';
import { vaultReads } from './read-vault.ts';
import { Readers } from './readers.ts';
import { DatabaseThread } from './thread.ts';
import { writesOf } from './write-statements.ts';

export interface SqliteStoreOptions {
  /** The database file; it and its folder are made when they are missing. */
  readonly path: string;
  /** Reading threads, 1 unless given. */
  readonly readers?: number;
}

/** After about this much of the log a reader copies it back: often enough to keep up, seldom enough to be cheap. */
const CHECKPOINT_EVERY_BYTES = 4_000_000;
/** What a small commit writes to the log beside its own text: the 4 KB pages it touches. */
const COMMIT_BYTES = 16_384;

/**
 * Opens the database, creates or migrates its schema and starts its threads.
 * Throws AppError store_unavailable when the file cannot be opened, is in use by another opener, or was written by a
 * newer version; the message names the file.
 */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { readers: readerCount = 1 } = options;
  if (!Number.isInteger(readerCount) || readerCount < 1) throw new RangeError('readers must be at least 1');
  const path = resolve(options.path);
  createFile(path);
  const writer = await DatabaseThread.start('writer', path);
  try {
    const readers = await Readers.start(path, readerCount);
    return new SqliteStore(writer, readers, await nextRowIds(writer));
  } catch (error) {
    await writer.close();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly reads: Reads;
  readonly fresh: boolean;
  readonly shared = null;
  readonly #nextRowIds: Record<RowKind, number>;
  readonly #writer: DatabaseThread;
  readonly #readers: Readers;
  #uncopiedBytes = 0;

  constructor(writer: DatabaseThread, readers: Readers, next: Record<RowKind, number>) {
    this.#writer = writer;
    this.#readers = readers;
    this.#nextRowIds = next;
    this.fresh = next.task === 1;
    this.reads = {
      ...runReads(readers),
      ...definitionReads(readers),
      ...scheduleReads(readers),
      ...vaultReads(readers),
      ping: async () => {
        await Promise.all([writer.all('select 1'), readers.all('select 1')]);
      },
    };
  }

  /** Rows need no locks: this is the only writer. What a round loads comes from the writing thread, behind no search. */
  round(): Round {
    return {
      loadRuns: (wanted) => loadRuns(this.#writer, wanted),
      startedWith: (keys) => startedWith(this.#writer, keys),
      loadSchedules: (names) => loadSchedules(this.#writer, names),
      commit: (batch) => this.#commit(writesOf(batch)),
      abandon: async () => undefined,
      shared: null,
    };
  }

  commitBehind(batch: WriteBatch, earlier: SentCommit | undefined): SentCommit {
    const writes = writesOf(batch);
    if (writes.length === 0) return earlier ?? { id: 0, done: Promise.resolve() };
    // The thread answers in the order of asking.
    const done = this.#commit(writes, earlier?.id ?? 0);
    return { id: this.#writer.lastRequestId, done };
  }

  newRowId(kind: RowKind): number {
    const rowId = this.#nextRowIds[kind];
    this.#nextRowIds[kind] = rowId + 1;
    return rowId;
  }

  prune(ages: PruneAges, limit: number): Promise<number> {
    return prune(this.#writer, ages, limit);
  }

  async close(): Promise<void> {
    await this.#readers.close();
    await this.#writer.close();
  }

  async #commit(writes: readonly Write[], behind = 0): Promise<void> {
    if (writes.length === 0) return;
    await this.#writer.request({ kind: 'commit', writes, behind });
    this.#uncopiedBytes += COMMIT_BYTES + textLength(writes);
    if (this.#uncopiedBytes < CHECKPOINT_EVERY_BYTES) return;
    this.#uncopiedBytes = 0;
    this.#readers.checkpoint();
  }
}

function textLength(writes: readonly Write[]): number {
  let length = 0;
  for (const { values } of writes) for (const value of values) if (typeof value === 'string') length += value.length;
  return length;
}

/** The only writer counts on from the highest. */
async function nextRowIds(writer: DatabaseThread): Promise<Record<RowKind, number>> {
  const next = (table: string) => `(select coalesce(max(row_id), 0) + 1 from ${table}) as ${table}`;
  const [row = {}] = await writer.all(`select ${next('run')}, ${next('task')}, ${next('charge')}`);
  return { run: numberOf(row, 'run'), task: numberOf(row, 'task'), charge: numberOf(row, 'charge'), signal: 1 };
}

/**
 * A new file is for its owner alone; SQLite gives its log the same mode. A file that exists is not opened here: to
 * close it again would drop the locks that another store of this process holds on it.
 */
function createFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('store_unavailable', `Cannot open the database ${path}: ${reason}`);
  }
}
