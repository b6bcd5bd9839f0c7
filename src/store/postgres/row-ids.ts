// Integer keys without waiting: a process takes them out of blocks that it drew from the database's sequences, the next
// block while half of the present one is left. Keys ascend within a process, not between processes.

import type { RowKind } from '../port.ts';
import { unavailable } from './failure.ts';
import type { Querier } from './querier.ts';
import { numberOf } from './text-column.ts';

/** About a million keys a block: 2^33 blocks fit below the largest exact integer. */
const BLOCK = 2 ** 20;
const KINDS = ['run', 'task', 'charge', 'signal'] as const;

export class RowIds {
  readonly #blocks = new Map<RowKind, Block>();

  private constructor(querier: Querier, firsts: ReadonlyMap<RowKind, number>) {
    for (const [kind, first] of firsts) this.#blocks.set(kind, new Block(first, () => drawBlock(querier, kind)));
  }

  static async open(querier: Querier): Promise<RowIds> {
    const columns = KINDS.map((kind) => `nextval('${kind}_block') as ${kind}`).join(', ');
    const [row = {}] = await querier.all(`select ${columns}`, []);
    return new RowIds(querier, new Map(KINDS.map((kind) => [kind, numberOf(row, kind) * BLOCK])));
  }

  next(kind: RowKind): number {
    const block = this.#blocks.get(kind);
    if (!block) throw new TypeError(`There are no keys of the kind ${kind}.`);
    return block.next();
  }
}

class Block {
  readonly #draw: () => Promise<number>;
  #next: number;
  #end: number;
  #following: number | null = null;
  #drawing = false;

  constructor(first: number, draw: () => Promise<number>) {
    this.#draw = draw;
    this.#next = first;
    this.#end = first + BLOCK;
  }

  /** Throws AppError store_unavailable when the database has given no new block for half a million keys. */
  next(): number {
    if (this.#end - this.#next <= BLOCK / 2 && this.#following === null && !this.#drawing) this.#fetch();
    if (this.#next === this.#end) this.#turn();
    this.#next += 1;
    return this.#next - 1;
  }

  #turn(): void {
    if (this.#following === null) throw unavailable('The database has given no new keys.', undefined);
    this.#next = this.#following;
    this.#end = this.#next + BLOCK;
    this.#following = null;
  }

  /** A draw that fails is made up for by the next key. */
  #fetch(): void {
    this.#drawing = true;
    this.#draw()
      .then((first) => {
        this.#following = first;
      })
      .catch(() => undefined)
      .finally(() => {
        this.#drawing = false;
      });
  }
}

async function drawBlock(querier: Querier, kind: RowKind): Promise<number> {
  const [row = {}] = await querier.all(`select nextval('${kind}_block') as block`, []);
  return numberOf(row, 'block') * BLOCK;
}
