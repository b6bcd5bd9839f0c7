// Schedules as the loop needs them: when each comes due, and those that the round under way reads and writes. The store is
// the truth: what is decided on is loaded anew, under its lock where processes share it. Must never outlive a lost round.
import { alarmOf, type ScheduleAlarm, type ScheduleRecord } from '../../model/workflow-schedule.ts';
import type { Round } from '../../store/port.ts';
import type { Reads } from '../../store/reads.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import { DueHeap } from '../due-heap.ts';
import { BUSY } from '../ports.ts';

interface Entry {
  readonly key: number;
  readonly alarm: ScheduleAlarm;
}

export class ScheduleBook {
  readonly #reads: Reads;
  readonly #byName = new Map<string, Entry>();
  readonly #byKey = new Map<number, Entry>();
  readonly #heap = new DueHeap();
  #lastKey = 0;
  /** Of the round under way; null: there is none of this name. */
  readonly #held = new Map<string, ScheduleRecord | null>();
  readonly #written = new Map<string, 'saved' | 'fired'>();
  readonly #wanted = new Set<string>();
  #loading: Promise<ReadonlySet<string>> | null = null;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  get nextDueMs(): number | undefined {
    return this.#heap.next;
  }

  /** Takes up to `max` of those that are due out of the waiting ones; each waits again when its round is committed. */
  takeDue(now: number, max: number): ScheduleAlarm[] {
    return this.#heap.takeDue(now, max).flatMap((key) => this.#byKey.get(key)?.alarm ?? []);
  }

  /** Replaces the times that memory holds by those that are committed. */
  async reload(): Promise<void> {
    const alarms = await this.#reads.scheduleAlarms();
    this.#byName.clear();
    this.#byKey.clear();
    this.#heap.clear();
    for (const alarm of alarms) this.#wait(alarm);
  }

  /** Resolves when the round may decide on it, or with BUSY. Those asked for together are loaded together. */
  async load(name: string, round: Round): Promise<typeof BUSY | undefined> {
    if (this.#held.has(name)) return undefined;
    this.#wanted.add(name);
    this.#loading ??= Promise.resolve().then(() => this.#load(round));
    return (await this.#loading).has(name) ? BUSY : undefined;
  }

  /** As the round under way has it so far. */
  get(name: string): ScheduleRecord | null {
    return this.#held.get(name) ?? null;
  }

  /** `fired`: nothing that other processes must hear of. */
  put(record: ScheduleRecord, how: 'saved' | 'fired'): void {
    const { name } = record.schedule;
    this.#held.set(name, record);
    if (this.#written.get(name) !== 'saved') this.#written.set(name, how);
  }

  remove(name: string): void {
    this.#held.set(name, null);
    this.#written.set(name, 'saved');
  }

  drain(batch: WriteBatch): void {
    for (const [name, how] of this.#written) {
      const record = this.#held.get(name);
      if (record) (how === 'saved' ? batch.schedules : batch.firedSchedules).push(record);
      else batch.removedSchedules.push(name);
    }
  }

  /** What the round has looked at waits for its next time, whoever moved that. */
  committed(): void {
    for (const [name, record] of this.#held) this.#wait(record ? alarmOf(record) : { name, nextMs: 0, startKey: null });
    this.#release();
  }

  /** The times of what was taken out as due are read anew before the next decision. */
  lost(): void {
    this.#release();
  }

  #release(): void {
    this.#held.clear();
    this.#written.clear();
    this.#wanted.clear();
    this.#loading = null;
  }

  #wait(alarm: ScheduleAlarm): void {
    const key = this.#byName.get(alarm.name)?.key ?? ++this.#lastKey;
    this.#heap.set(key, alarm.nextMs);
    const entry = { key, alarm };
    if (alarm.nextMs > 0) {
      this.#byName.set(alarm.name, entry);
      this.#byKey.set(key, entry);
    } else {
      this.#byName.delete(alarm.name);
      this.#byKey.delete(key);
    }
  }

  async #load(round: Round): Promise<ReadonlySet<string>> {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    this.#loading = null;
    const { found, busy } = await round.loadSchedules(wanted);
    const records = new Map(found.map((record) => [record.schedule.name, record]));
    const held = new Set(busy);
    for (const name of wanted) if (!held.has(name)) this.#held.set(name, records.get(name) ?? null);
    return held;
  }
}
