// The shape of methods, functions and filters, and how their arguments are read. Owns no method.
import type { Frame } from './frame.ts';
import type { Value } from './syntax-tree.ts';
import { numberOf } from './values.ts';

/** Arguments that were not given are undefined, as are those that are missing data. */
export type Apply<Self> = (self: Self, frame: Frame, first: Value, second: Value) => Value;

export interface Arity {
  readonly least: number;
  readonly most: number;
}

export function arity(least: number, most = least): Arity {
  return { least, most };
}

/** A whole number from `value`, or `otherwise` when there is none. */
export function wholeOf<Otherwise extends number | undefined>(value: Value, otherwise: Otherwise): number | Otherwise {
  const number = numberOf(value);
  return number === undefined ? otherwise : Math.trunc(number);
}
