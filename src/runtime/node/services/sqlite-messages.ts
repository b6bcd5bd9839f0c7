// What the server and the process of a SQLite database say to each other.
import type { JsonObject } from '../../../model/json.ts';
import type { SqlValue } from '../../../store/sqlite/driver.ts';

export interface SqliteRequest {
  readonly requestId: number;
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly readOnly: boolean;
  readonly returnsRows: boolean;
}

export type SqliteAnswer =
  | {
      readonly requestId: number;
      readonly ok: true;
      readonly rows: JsonObject[];
      readonly changes: number;
    }
  | { readonly requestId: number; readonly ok: false; readonly message: string };
