// Tables as data: which column takes what of a noun, and the statements that follow from it. A statement takes a whole
// list: one array for each column, so that its text and their number do not depend on how many rows there are.

export type SqlType = 'bigint' | 'text';
export type SqlValue = string | number | null;

export interface Column<Noun> {
  readonly name: string;
  readonly type: SqlType;
  value(noun: Noun): SqlValue;
}

/** A statement for all nouns of a list. `name` is that of the prepared statement. */
export interface Statement<Noun> {
  readonly name: string;
  readonly sql: string;
  /** `given`: further columns that are no part of the noun, one list of the nouns' length for each. */
  values(nouns: readonly Noun[], ...given: readonly (readonly number[])[]): unknown[];
}

type ColumnValues<Noun> = Readonly<Record<string, (noun: Noun) => SqlValue>>;

interface Extra {
  /** Names of further integer columns. */
  readonly given?: readonly string[];
  /** Appended to the statement's name, where a table has several of a kind. */
  readonly called?: string;
  readonly suffix?: string;
}

export function texts<Noun>(values: ColumnValues<Noun>): Column<Noun>[] {
  return Object.entries(values).map(([name, value]) => ({ name, type: 'text', value }));
}

export function bigints<Noun>(values: ColumnValues<Noun>): Column<Noun>[] {
  return Object.entries(values).map(([name, value]) => ({ name, type: 'bigint', value }));
}

export function insertInto<Noun>(
  table: string,
  columns: readonly Column<Noun>[],
  { given = [], suffix = '' }: Extra = {},
): Statement<Noun> {
  const { names, arrays } = listOf(columns, given);
  return {
    name: `insert_${table}`,
    sql: `insert into ${table} (${names}) select * from ${arrays}${suffix}`,
    values: listed(columns),
  };
}

/** Inserts, or replaces every column of the row with the same key. `sets`: how to replace a column by another rule. */
export function upsertInto<Noun>(
  table: string,
  key: readonly string[],
  columns: readonly Column<Noun>[],
  given: readonly string[] = [],
  sets: Readonly<Record<string, string>> = {},
): Statement<Noun> {
  const rest = [...columns.map(({ name }) => name), ...given].filter((name) => !key.includes(name));
  const replaced = rest.map((name) => `${name} = ${sets[name] ?? `excluded.${name}`}`);
  const suffix = ` on conflict (${key.join(', ')}) do update set ${replaced.join(', ')}`;
  return insertInto(table, columns, { given, suffix });
}

export function update<Noun>(
  table: string,
  key: Column<Noun>,
  columns: readonly Column<Noun>[],
  { given = [], called = '' }: Extra = {},
): Statement<Noun> {
  const all = [key, ...columns];
  const { names, arrays } = listOf(all, given);
  const sets = [...columns.map(({ name }) => name), ...given].map((name) => `${name} = given.${name}`);
  return {
    name: `update_${table}${called}`,
    sql: `update ${table} set ${sets.join(', ')} from ${arrays} as given(${names}) where ${table}.${key.name} = given.${key.name}`,
    values: listed(all),
  };
}

export function deleteFrom<Noun>(table: string, keys: readonly Column<Noun>[]): Statement<Noun> {
  const { names, arrays } = listOf(keys, []);
  return {
    name: `delete_${table}`,
    sql: `delete from ${table} where (${names}) in (select * from ${arrays})`,
    values: listed(keys),
  };
}

function listOf<Noun>(columns: readonly Column<Noun>[], given: readonly string[]) {
  const types = [...columns.map(({ type }) => type), ...given.map(() => 'bigint')];
  return {
    names: [...columns.map(({ name }) => name), ...given].join(', '),
    arrays: `unnest(${types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')})`,
  };
}

function listed<Noun>(columns: readonly Column<Noun>[]): Statement<Noun>['values'] {
  return (nouns, ...given) => [...columns.map((column) => nouns.map((noun) => column.value(noun))), ...given];
}
