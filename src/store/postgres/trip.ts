// Statements that travel together: in one piece, ended by one Sync, so that the server passes over all that follow the
// first that fails. Owns how rows are read. Must never send anything when a value of any of them cannot be sent.
import pg from 'pg';
import { MessageWriter } from './message-writer.ts';
import type { Row } from './querier.ts';

export interface TripStatement {
  readonly sql: string;
  readonly values: readonly unknown[];
  /** Of the prepared statement; "" for one that is parsed each time. */
  readonly name: string;
}

export interface Answer {
  readonly rows: readonly Row[];
  /** What the server says it has done, such as `COMMIT` or `UPDATE 3`. */
  readonly tag: string;
}

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

/** The statements that a connection knows by name, with the columns of their rows. */
export type Prepared = Map<string, readonly Column[]>;

type Done = (error: unknown, answers?: readonly Answer[]) => void;

/** A query in the eyes of `pg`, which calls what is called `handle…` with the server's messages. */
export class Trip extends pg.Query {
  readonly statements: readonly TripStatement[];
  /** Replaced by `pg`, which puts its timeout around it. */
  callback: Done;
  readonly #prepared: Prepared;
  readonly #known: readonly (readonly Column[] | undefined)[];
  readonly #bytes: Buffer;
  readonly #answers: Answer[] = [];
  #columns: readonly Column[] = [];
  #rows: Row[] = [];

  constructor(statements: readonly TripStatement[], prepared: Prepared, callback: Done) {
    super({ text: '' });
    this.statements = statements;
    this.callback = callback;
    this.#prepared = prepared;
    this.#known = statements.map(({ name }) => prepared.get(name));
    this.#bytes = bytesOf(statements, this.#known);
    this.#columns = this.#known[0] ?? [];
  }

  override submit = (connection: pg.Connection): void => {
    connection.stream.write(this.#bytes);
  };

  handleRowDescription({ fields }: { readonly fields: readonly pg.FieldDef[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: parserOf(dataTypeID) }));
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const row: Record<string, unknown> = {};
    for (const [index, { name, parse }] of this.#columns.entries()) {
      const text = fields[index] ?? null;
      row[name] = text === null ? null : parse(text);
    }
    this.#rows.push(row);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const at = this.#answers.length;
    const name = this.statements[at]?.name ?? '';
    if (name !== '' && !this.#known[at]) this.#prepared.set(name, this.#columns);
    this.#answers.push({ rows: this.#rows, tag: text });
    this.#rows = [];
    this.#columns = this.#known[at + 1] ?? [];
  }

  handleReadyForQuery(): void {
    this.callback(null, this.#answers);
  }

  /** Whatever was wrong, the statements are made known anew when they are next needed. */
  handleError(error: unknown): void {
    for (const { name } of this.statements) this.#prepared.delete(name);
    this.callback(error);
  }
}

function bytesOf(statements: readonly TripStatement[], known: readonly unknown[]): Buffer {
  const writer = new MessageWriter();
  for (const [index, { sql, values, name }] of statements.entries()) {
    if (!known[index]) writer.parse(name, sql);
    writer.bind(name, values);
    if (!known[index]) writer.describe();
    writer.execute();
  }
  writer.sync();
  return writer.bytes;
}

const INT8 = 20;
const INT8_ARRAY = 1016;
const parseInt8Array = (text: string): number[] => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number));

/** Integers are below 2^53 by contract of the model. */
function parserOf(oid: number): (text: string) => unknown {
  if (oid === INT8) return Number;
  return oid === INT8_ARRAY ? parseInt8Array : pg.types.getTypeParser(oid, 'text');
}
