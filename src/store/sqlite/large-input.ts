// Where an input goes: beside its row when it is small, else into a table of its own, written once. SQLite rewrites a
// whole row when any of it changes, so a large input in the row would be written again with every change.
import type { Json } from '../../model/json.ts';
import { columnsOf, insertInto, type Statement } from './table.ts';

/** Rows of up to about a quarter of a 4 KB page stay on their page. */
const INLINE_CHARS_MAX = 1024;

interface WithInput {
  readonly rowId: number;
  readonly input: Json;
}

export function hasLargeInput(noun: WithInput): boolean {
  return noun.input.text.length > INLINE_CHARS_MAX;
}

/** What the row's own column holds. */
export function inlineInput(noun: WithInput): string | null {
  return hasLargeInput(noun) ? null : noun.input.text;
}

export function insertLargeInput(table: 'run_input' | 'task_input'): Statement<WithInput> {
  return insertInto(table, columnsOf<WithInput>({ row_id: ({ rowId }) => rowId, document: ({ input }) => input.text }));
}

/** The whole input, from wherever it is, as a column named `input`. */
export function selectInput(table: 'run' | 'task'): string {
  const large = `(select document from ${table}_input large where large.row_id = ${table}.row_id)`;
  return `coalesce(${table}.input, ${large}) as input`;
}
