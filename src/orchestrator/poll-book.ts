// Who polled what, when last. Kept in memory, written now and then with a round that is under way anyhow: poll data is
// information, never worth a commit of its own.
import type { PollRecord, WriteBatch } from '../store/write-batch.ts';
import { ACTIVE_WINDOW_MS } from './domains.ts';

/** At most this often per process. Other processes of a shared store go by it when they choose a domain. */
const FLUSH_EVERY_MS = 10_000;
export const FLUSH_SHARED_EVERY_MS = 2_000;
/** Workers come and go with random ids: the oldest are forgotten beyond this many. */
const RECORDS_MAX = 10_000;

export class PollBook {
  readonly #records = new Map<string, PollRecord>();
  readonly #changed = new Set<string>();
  readonly #lastByQueue = new Map<string, number>();
  #flushedMs = 0;

  restore(records: readonly PollRecord[]): void {
    for (const record of records) {
      const key = keyOf(record);
      if ((this.#records.get(key)?.lastPollMs ?? 0) >= record.lastPollMs) continue;
      this.#records.set(key, record);
      const queue = `${record.domain}\n${record.queueName}`;
      this.#lastByQueue.set(queue, Math.max(record.lastPollMs, this.#lastByQueue.get(queue) ?? 0));
    }
  }

  note(queueName: string, domain: string | null, workerId: string | null, now: number): void {
    const record = { queueName, domain: domain ?? '', workerId: workerId ?? '', lastPollMs: now };
    const key = keyOf(record);
    this.#records.delete(key);
    this.#records.set(key, record);
    this.#changed.add(key);
    this.#lastByQueue.set(`${record.domain}\n${queueName}`, now);
    if (this.#records.size <= RECORDS_MAX) return;
    const oldest = this.#records.keys().next().value;
    if (oldest !== undefined) this.#records.delete(oldest);
  }

  isActive(queueName: string, domain: string, now: number): boolean {
    return now - (this.#lastByQueue.get(`${domain}\n${queueName}`) ?? 0) <= ACTIVE_WINDOW_MS;
  }

  all(): PollRecord[] {
    return [...this.#records.values()];
  }

  flush(batch: WriteBatch, now: number, everyMs = FLUSH_EVERY_MS): void {
    if (this.#changed.size === 0 || now - this.#flushedMs < everyMs) return;
    this.#flushedMs = now;
    for (const key of this.#changed) {
      const record = this.#records.get(key);
      if (record) batch.polls.push(record);
    }
    this.#changed.clear();
  }
}

function keyOf(record: PollRecord): string {
  return `${record.queueName}\n${record.domain}\n${record.workerId}`;
}
