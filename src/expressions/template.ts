// `${…}` templates: parsed once, resolved without re-parsing. CONTRACT FILE: the implementation replaces the throws.
import type { JsonValue } from '../model/json.ts';

/** A JSON document with `${…}` inside, compiled. */
export interface Template {
  /** The document holds no expression; resolving it returns the same value each time. */
  readonly constant: boolean;
  /** First segment of every static expression: `workflow` or a reference name. */
  readonly roots: ReadonlySet<string>;
  resolve(scope: Scope): JsonValue;
}

/** Where expressions find their data. */
export interface Scope {
  /** `workflow.<field>` or `<ref>.<field>`; undefined when there is no such thing. */
  lookup(root: string, field: string): JsonValue | undefined;
}

export function compileTemplate(_document: JsonValue): Template {
  throw new Error('contract');
}
