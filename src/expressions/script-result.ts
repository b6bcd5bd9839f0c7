// What a sandboxed script came to. A failure is a value: scripts are data of a definition, and data may be wrong.
import type { JsonValue } from '../model/json.ts';

export type ScriptResult =
  | { readonly ok: true; readonly value: JsonValue }
  /** `error` reads like `TypeError: x is not a function`. */
  | { readonly ok: false; readonly error: string };
