// One key's money in memory: running totals of its window, its open charges, what a repeated request would repeat, and
// which vendor objects were counted. Every step costs the same however many charges there are. Derived from the charge
// rows alone; must never decide anything, and never be trusted after a failed commit.
import type { CapWindow, Charge, VaultKey } from '../../model/vault.ts';
import { windowStart } from './cap-window.ts';

/** The vendor forgets idempotency keys after 24 hours and would then charge again: our credit ends before. */
export const REPLAY_CREDIT_MS = 23 * 3_600_000;
const COMPACT_AT = 4096;

/** From when on charges matter: for the cap, for what the same request would repeat, and for the objects they paid for. */
export function mattersSince(window: CapWindow, now: number): number {
  return Math.max(0, Math.min(windowStart(window, now), now - REPLAY_CREDIT_MS + 1));
}

/** A charge as the totals see it. */
interface Entry {
  charge: Charge;
  /** Fell out of the window: changes to it no longer touch the totals. */
  out: boolean;
  /** Lost its replay credit as well: changes to it are noted nowhere. */
  past: boolean;
}

export class KeyTotals {
  readonly #window: CapWindow;
  readonly #createdMs: number;
  readonly #open = new Map<number, Entry>();
  readonly #replays = new Map<string, Entry>();
  readonly #objects = new Map<string, number>();
  /** Ascending by time; the two heads are what has left the window and what has lost its replay credit. */
  #recent: Entry[] = [];
  #windowHead = 0;
  #creditHead = 0;
  #latestMs = 0;
  #spent = 0;
  #pending = 0;

  /** `charges`: those that were not released and still matter, in any order. */
  constructor({ capWindow, createdMs }: Pick<VaultKey, 'capWindow' | 'createdMs'>, charges: readonly Charge[]) {
    this.#window = capWindow;
    this.#createdMs = createdMs;
    const ordered = [...charges].sort((a, b) => a.reservedMs - b.reservedMs || a.rowId - b.rowId);
    for (const charge of ordered) this.add(charge);
  }

  get spentMicros(): number {
    return this.#spent;
  }

  /** Reserved and uncertain: counted, but not known. */
  get reservedMicros(): number {
    return this.#pending;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Moves the window and the replay credit to `now`. Call before reading anything. */
  advance(now: number): void {
    const start = windowStart(this.#window, now);
    let past = this.#pastHead;
    for (let entry = this.#recent[this.#windowHead]; entry && entry.charge.reservedMs < start; ) {
      this.#count(entry, -1);
      entry.out = true;
      this.#windowHead += 1;
      entry = this.#recent[this.#windowHead];
    }
    const credit = now - REPLAY_CREDIT_MS;
    for (let entry = this.#recent[this.#creditHead]; entry && entry.charge.reservedMs <= credit; ) {
      const { fingerprint } = entry.charge;
      if (this.#replays.get(fingerprint) === entry) this.#replays.delete(fingerprint);
      this.#creditHead += 1;
      entry = this.#recent[this.#creditHead];
    }
    for (; past < this.#pastHead; past += 1) this.#pass(this.#recent[past]);
    this.#compact();
  }

  /** Behind both heads. In a lifetime window nothing ever is. */
  get #pastHead(): number {
    return Math.min(this.#windowHead, this.#creditHead);
  }

  /** A new charge. Its time must not lie before that of the one added last: see `stamp`. */
  add(charge: Charge): void {
    const entry: Entry = { charge, out: false, past: false };
    this.#latestMs = Math.max(this.#latestMs, charge.reservedMs);
    this.#recent.push(entry);
    this.#count(entry, 1);
    this.#replays.set(charge.fingerprint, entry);
    this.#include(entry);
  }

  /** A row as another process wrote it: new here or not, and by another clock, so perhaps from before the last one. */
  apply(charge: Charge): void {
    const entry = this.#known(charge);
    if (!entry) {
      if (charge.state !== 'released') this.#insert(charge);
    } else if (isOpen(entry.charge)) this.change(charge);
    else entry.charge = charge;
  }

  /** The instant for a new charge: a clock that was set back must not disorder the window. */
  stamp(now: number): number {
    return Math.max(now, this.#latestMs);
  }

  /** The present row of an open charge; undefined when it is closed or unknown. */
  open(rowId: number): Charge | undefined {
    return this.#open.get(rowId)?.charge;
  }

  /** A new version of an open charge's row. */
  change(charge: Charge): void {
    const entry = this.#open.get(charge.rowId);
    if (!entry) return;
    if (!entry.out) this.#count(entry, -1);
    entry.charge = charge;
    if (!entry.out) this.#count(entry, 1);
    if (isOpen(charge)) return;
    this.#open.delete(charge.rowId);
    this.#note(entry);
    if (charge.state === 'released' && this.#replays.get(charge.fingerprint) === entry) {
      this.#replays.delete(charge.fingerprint);
    }
  }

  /** The present row of a charge that may be closed; undefined when it is forgotten. */
  row(charge: Charge): Charge | undefined {
    return this.#known(charge)?.charge;
  }

  /** The charge that the same request made before, while the vendor would still repeat its answer. */
  replayOf(fingerprint: string): Charge | undefined {
    return this.#replays.get(fingerprint)?.charge;
  }

  /** What was counted for a vendor object of late; undefined when this key has not paid for it, or not for a day. */
  countedFor(objectId: string): number | undefined {
    return this.#objects.get(objectId);
  }

  /** Whether every charge of the key still matters, so that no object that it paid for is forgotten. */
  knowsAll(now: number): boolean {
    return this.#createdMs >= mattersSince(this.#window, now);
  }

  /** Open, or not yet forgotten as a repetition: what is neither is never written again. */
  #known({ rowId, fingerprint }: Charge): Entry | undefined {
    const open = this.#open.get(rowId);
    if (open) return open;
    const replay = this.#replays.get(fingerprint);
    return replay?.charge.rowId === rowId ? replay : undefined;
  }

  #include(entry: Entry): void {
    const { charge } = entry;
    this.#note(entry);
    if (isOpen(charge)) this.#open.set(charge.rowId, entry);
  }

  /** In the order of time; what the heads have passed is behind them. */
  #insert(charge: Charge): void {
    let at = this.#recent.length;
    while (at > 0 && isBefore(charge, this.#recent[at - 1]?.charge)) at -= 1;
    if (at === this.#recent.length) {
      this.add(charge);
      return;
    }
    const entry: Entry = { charge, out: at < this.#windowHead, past: at < this.#pastHead };
    this.#recent.splice(at, 0, entry);
    if (entry.out) this.#windowHead += 1;
    else this.#count(entry, 1);
    if (at < this.#creditHead) this.#creditHead += 1;
    else {
      const known = this.#replays.get(charge.fingerprint)?.charge;
      if (!known || isBefore(known, charge)) this.#replays.set(charge.fingerprint, entry);
    }
    this.#include(entry);
  }

  #note({ charge: { vendorObjectId, amountMicros }, past }: Entry): void {
    if (vendorObjectId === null || past) return;
    this.#objects.set(vendorObjectId, (this.#objects.get(vendorObjectId) ?? 0) + amountMicros);
  }

  /** As if it had not been read: a key that lives for weeks must not remember all that it ever paid for. */
  #pass(entry: Entry | undefined): void {
    if (!entry) return;
    entry.past = true;
    const { vendorObjectId, amountMicros } = entry.charge;
    if (vendorObjectId === null) return;
    const rest = (this.#objects.get(vendorObjectId) ?? 0) - amountMicros;
    if (rest > 0) this.#objects.set(vendorObjectId, rest);
    else this.#objects.delete(vendorObjectId);
  }

  #count({ charge }: Entry, sign: 1 | -1): void {
    if (charge.state === 'settled') this.#spent += sign * charge.amountMicros;
    else if (isOpen(charge)) this.#pending += sign * charge.amountMicros;
  }

  #compact(): void {
    // In a lifetime window nothing ever leaves: its sums need no queue, only the replay credit does.
    const done = this.#window === 'lifetime' ? this.#creditHead : Math.min(this.#windowHead, this.#creditHead);
    if (done < COMPACT_AT || done * 2 < this.#recent.length) return;
    this.#recent = this.#recent.slice(done);
    this.#creditHead -= done;
    this.#windowHead = Math.max(0, this.#windowHead - done);
  }
}

function isBefore(charge: Charge, other: Charge | undefined): boolean {
  if (!other) return false;
  return charge.reservedMs < other.reservedMs || (charge.reservedMs === other.reservedMs && charge.rowId < other.rowId);
}

function isOpen(charge: Charge): boolean {
  return charge.state === 'reserved' || charge.state === 'uncertain';
}
