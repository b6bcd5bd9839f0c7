// What a read needs of the database. Rows come as objects by column name, int8 as a number.
import type { Row } from '../rows/text-column.ts';

export type { Row };

export interface Querier {
  /**
   * `name` makes it a prepared statement where these are allowed: one name for one text, always.
   * Rejects with AppError('store_unavailable').
   */
  all(sql: string, values: readonly unknown[], name?: string): Promise<readonly Row[]>;
}
