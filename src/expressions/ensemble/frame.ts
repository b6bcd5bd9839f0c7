// One evaluation under way: where names are found, the parameters in force, and what it may still cost.
// Owns the bounds of evaluation: whoever makes or walks something the size of the data pays for it here first.
import type { Scope } from '../template.ts';
import { ExpressionError } from './expression-error.ts';
import type { Value } from './syntax-tree.ts';

/** A fifth of a second, a second at worst: the process does nothing else meanwhile. */
export const STEPS_MAX = 2_000_000;
/** Longest text that an expression may make. */
export const TEXT_LENGTH_MAX = 8_000_000;
/** A text of sixteen characters costs what one element of a list costs. */
const CHARACTERS_PER_STEP_LOG2 = 4;
/** Comparisons of characters in one step: a hostile pattern in a hostile text needs one for every pair. */
const COMPARISONS_PER_STEP = 512;

export class Frame {
  readonly scope: Scope;
  /** By slot; shared by all evaluations of an expression without functions, which has none. */
  readonly locals: Value[];
  readonly #source: string;
  #steps = STEPS_MAX;

  constructor(scope: Scope, source: string, locals: Value[]) {
    this.scope = scope;
    this.#source = source;
    this.locals = locals;
  }

  charge(steps: number): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw this.refuse('takes too many steps: do this work in an agent');
  }

  /** For a text that is walked or copied. */
  chargeText(length: number): void {
    this.charge(1 + (length >> CHARACTERS_PER_STEP_LOG2));
  }

  /** For a part that is looked for in a text. */
  chargeSearch(length: number, partLength: number): void {
    this.chargeText(length);
    this.charge(Math.floor((Math.max(0, length - partLength) * partLength) / COMPARISONS_PER_STEP));
  }

  /** Before a text is made, where its length is known. */
  checkText(length: number): void {
    if (length > TEXT_LENGTH_MAX) throw this.refuse(`makes a text of more than ${TEXT_LENGTH_MAX} characters`);
    this.charge(1);
  }

  /** For a text that is about to be made, character by character. */
  chargeNewText(length: number): void {
    this.checkText(length);
    this.chargeText(length);
  }

  refuse(what: string): ExpressionError {
    return new ExpressionError(`The expression ${what}`, this.#source, 0);
  }
}
