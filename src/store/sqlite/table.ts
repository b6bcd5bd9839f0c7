// Tables as data: which column takes what of a noun, and the statements that follow from it.
import type { SqlValue } from './driver.ts';

export interface Column<Noun> {
  readonly name: string;
  readonly value: (noun: Noun) => SqlValue;
}

/** A statement to run once for each noun of a list. */
export interface Statement<Noun> {
  readonly sql: string;
  /** What is bound, mark by mark. */
  readonly values: readonly ((noun: Noun) => SqlValue)[];
}

type ColumnValues<Noun> = Readonly<Record<string, (noun: Noun) => SqlValue>>;

export function columnsOf<Noun>(values: ColumnValues<Noun>): Column<Noun>[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

export function insertInto<Noun>(table: string, columns: readonly Column<Noun>[], suffix = ''): Statement<Noun> {
  const names = columns.map((column) => column.name);
  const marks = names.map(() => '?');
  return statement(`insert into ${table} (${names.join(', ')}) values (${marks.join(', ')})${suffix}`, columns);
}

/** Inserts, or replaces every column of the row with the same key. */
export function upsertInto<Noun>(
  table: string,
  key: readonly string[],
  columns: readonly Column<Noun>[],
): Statement<Noun> {
  const rest = columns.filter((column) => !key.includes(column.name));
  const sets = rest.map(({ name }) => `${name} = excluded.${name}`);
  return insertInto(table, columns, ` on conflict (${key.join(', ')}) do update set ${sets.join(', ')}`);
}

export function update<Noun>(table: string, columns: readonly Column<Noun>[], key: Column<Noun>): Statement<Noun> {
  const sets = columns.map(({ name }) => `${name} = ?`);
  return statement(`update ${table} set ${sets.join(', ')} where ${key.name} = ?`, [...columns, key]);
}

export function deleteFrom<Noun>(
  table: string,
  condition: string,
  ...values: readonly ((noun: Noun) => SqlValue)[]
): Statement<Noun> {
  return { sql: `delete from ${table} where ${condition}`, values };
}

function statement<Noun>(sql: string, columns: readonly Column<Noun>[]): Statement<Noun> {
  return { sql, values: columns.map((column) => column.value) };
}
