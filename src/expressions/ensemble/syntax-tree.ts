// What an expression is once it is read. Owns the shape; parser.ts builds it, compile.ts makes it runnable.
import type { JsonValue } from '../../model/json.ts';

/** Undefined: there is no such thing. */
export type Value = JsonValue | undefined;

/** Reading them is never meant, and in JavaScript would lead out of the data. */
export const FORBIDDEN: ReadonlySet<string> = new Set(['constructor', '__proto__', 'prototype']);

export type BinaryOperator = '==' | '!=' | '<' | '>' | '<=' | '>=' | 'in' | '+' | '-' | '*' | '/' | '%';
export type LogicalOperator = '??' | '||' | '&&';

/** Parameters of the functions around a place live in numbered slots: functions never outlive the call they are given to. */
export interface Arrow {
  readonly slots: readonly number[];
  readonly body: Tree;
}

export type Spread = { readonly kind: 'spread'; readonly operand: Tree };

export type Member = { readonly kind: 'pair'; readonly key: Tree; readonly value: Tree } | Spread;

export type Tree = { readonly at: number } & (
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'root'; readonly name: string }
  | { readonly kind: 'local'; readonly slot: number }
  | { readonly kind: 'member'; readonly object: Tree; readonly name: string }
  | { readonly kind: 'index'; readonly object: Tree; readonly index: Tree }
  | { readonly kind: 'unary'; readonly operator: '!' | '-' | 'typeof'; readonly operand: Tree }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'logical'; readonly operator: LogicalOperator; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'choice'; readonly test: Tree; readonly yes: Tree; readonly no: Tree }
  | {
      readonly kind: 'method';
      readonly object: Tree;
      readonly name: string;
      readonly arrow: Arrow | null;
      readonly args: readonly Tree[];
    }
  /** `Math.max(…)`, `String(…)`. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Tree[] }
  | { readonly kind: 'filter'; readonly input: Tree; readonly name: string; readonly args: readonly Tree[] }
  | { readonly kind: 'list'; readonly items: readonly (Tree | Spread)[] }
  | { readonly kind: 'object'; readonly members: readonly Member[] }
  | { readonly kind: 'template'; readonly texts: readonly string[]; readonly holes: readonly Tree[] }
);
