// A binary heap of instants with removal by key: what is due next. Owns order only; knows no clock.

export class DueHeap {
  readonly #keys: number[] = [];
  readonly #times: number[] = [];
  readonly #positions = new Map<number, number>();

  get size(): number {
    return this.#keys.length;
  }

  /** Earliest instant, or undefined when empty. */
  get next(): number | undefined {
    return this.#times[0];
  }

  has(key: number): boolean {
    return this.#positions.has(key);
  }

  /** Sets, moves or (with 0) removes a key. */
  set(key: number, atMs: number): void {
    const position = this.#positions.get(key);
    if (atMs === 0) {
      if (position !== undefined) this.#removeAt(position);
      return;
    }
    if (position === undefined) {
      this.#place(key, atMs, this.#keys.length);
      this.#up(this.#keys.length - 1);
      return;
    }
    const before = this.#time(position);
    this.#times[position] = atMs;
    if (atMs < before) this.#up(position);
    else if (atMs > before) this.#down(position);
  }

  delete(key: number): void {
    this.set(key, 0);
  }

  /** Takes up to `max` keys that are due at `now`, earliest first. */
  takeDue(now: number, max: number): number[] {
    const due: number[] = [];
    while (due.length < max && this.#keys.length > 0 && this.#time(0) <= now) {
      due.push(this.#key(0));
      this.#removeAt(0);
    }
    return due;
  }

  clear(): void {
    this.#keys.length = 0;
    this.#times.length = 0;
    this.#positions.clear();
  }

  #key(position: number): number {
    return this.#keys[position] ?? 0;
  }

  #time(position: number): number {
    return this.#times[position] ?? 0;
  }

  #place(key: number, atMs: number, position: number): void {
    this.#keys[position] = key;
    this.#times[position] = atMs;
    this.#positions.set(key, position);
  }

  #removeAt(position: number): void {
    const last = this.#keys.length - 1;
    const movedKey = this.#key(last);
    const movedTime = this.#time(last);
    this.#positions.delete(this.#key(position));
    this.#keys.length = last;
    this.#times.length = last;
    if (position === last) return;
    this.#place(movedKey, movedTime, position);
    this.#up(position);
    this.#down(position);
  }

  #up(start: number): void {
    let position = start;
    const key = this.#key(position);
    const time = this.#time(position);
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (this.#time(parent) <= time) break;
      this.#place(this.#key(parent), this.#time(parent), position);
      position = parent;
    }
    this.#place(key, time, position);
  }

  #down(start: number): void {
    let position = start;
    const key = this.#key(position);
    const time = this.#time(position);
    const size = this.#keys.length;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#time(child + 1) < this.#time(child)) child += 1;
      if (this.#time(child) >= time) break;
      this.#place(this.#key(child), this.#time(child), position);
      position = child;
    }
    this.#place(key, time, position);
  }
}
