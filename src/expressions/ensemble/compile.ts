// A tree to closures, once. Owns what each kind of node does at run time; what a method, function or filter does is said
// in its own table. Must never look a name up at run time that the tree already holds, nor run text as code.
import { didYouMean } from '../../model/did-you-mean.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { compileMethod } from './compile-method.ts';
import { ExpressionError } from './expression-error.ts';
import { FILTERS } from './filters.ts';
import type { Frame } from './frame.ts';
import { FUNCTIONS } from './functions.ts';
import type { Arity } from './method.ts';
import type { BinaryOperator, Member, Spread, Tree, Value } from './syntax-tree.ts';
import {
  add,
  chargedText,
  compare,
  elementOf,
  finite,
  isEqual,
  isIn,
  isTrue,
  memberOf,
  numberOf,
  put,
} from './values.ts';

export type Run = (frame: Frame) => Value;

/** Each level is a call at run time. */
const DEPTH_MAX = 300;

export class Compiler {
  readonly #source: string;
  /** Nodes so far: what one round through a function costs. */
  nodes = 0;
  /** It calls a function that it was written with. */
  loops = false;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  fail(message: string, at: number): ExpressionError {
    return new ExpressionError(message, this.#source, at);
  }

  /** Told of one name that is in none of the tables. */
  unknown(what: string, name: string, known: Iterable<string>, at: number): ExpressionError {
    const names = [...known];
    const meant = didYouMean(name, names);
    const hint = meant === undefined ? `known are ${names.join(', ')}` : `did you mean "${meant}"?`;
    return this.fail(`There is no ${what} "${name}": ${hint}`, at);
  }

  checkCount(name: string, takes: Arity, given: number, at: number): void {
    if (given >= takes.least && given <= takes.most) return;
    const { least, most } = takes;
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    throw this.fail(`"${name}" takes ${wanted} argument${wanted === '1' ? '' : 's'}, here are ${given}`, at);
  }

  compile(tree: Tree): Run {
    this.nodes += 1;
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.fail('The expression is too long a chain: use several steps', tree.at);
    const run = this.#node(tree);
    this.#depth -= 1;
    return run;
  }

  #node(tree: Tree): Run {
    switch (tree.kind) {
      case 'literal': {
        const { value } = tree;
        return () => value;
      }
      case 'root':
      case 'member':
        return this.#path(tree);
      case 'local': {
        const { slot } = tree;
        return (frame) => frame.locals[slot];
      }
      case 'index': {
        const object = this.compile(tree.object);
        const index = this.compile(tree.index);
        return (frame) => elementOf(object(frame), index(frame));
      }
      case 'unary':
        return this.#unary(tree.operator, this.compile(tree.operand));
      case 'binary':
        return binary(tree.operator, this.compile(tree.left), this.compile(tree.right));
      case 'logical':
        return logical(tree.operator, this.compile(tree.left), this.compile(tree.right));
      case 'choice': {
        const [test, yes, no] = [this.compile(tree.test), this.compile(tree.yes), this.compile(tree.no)];
        return (frame) => (isTrue(test(frame)) ? yes(frame) : no(frame));
      }
      case 'method':
        return compileMethod(this, tree);
      case 'call':
        return this.#call(tree.name, tree.args, tree.at);
      case 'filter':
        return this.#filter(tree.input, tree.name, tree.args, tree.at);
      case 'list':
        return list(tree.items.map((item) => this.#element(item)));
      case 'object':
        return object(tree.members.map((member) => this.#member(member)));
      case 'template':
        return template(
          tree.texts,
          tree.holes.map((hole) => this.compile(hole)),
        );
    }
  }

  /** Members one after another are one loop, and a path from a root is one closure. */
  #path(tree: Tree): Run {
    const names: string[] = [];
    let from = tree;
    for (; from.kind === 'member'; from = from.object) names.unshift(from.name);
    const start = from.kind === 'root' ? root(from.name) : this.compile(from);
    const [only] = names;
    if (only === undefined) return start;
    if (names.length === 1) return (frame) => memberOf(start(frame), only);
    return (frame) => {
      let value = start(frame);
      for (const name of names) value = memberOf(value, name);
      return value;
    };
  }

  #unary(operator: '!' | '-' | 'typeof', operand: Run): Run {
    if (operator === '!') return (frame) => !isTrue(operand(frame));
    if (operator === 'typeof') return (frame) => typeof operand(frame);
    return (frame) => {
      const number = numberOf(operand(frame));
      return number === undefined ? undefined : finite(-number);
    };
  }

  #call(name: string, argumentTrees: readonly Tree[], at: number): Run {
    const known = FUNCTIONS.get(name);
    if (known === undefined) throw this.unknown('function', name, FUNCTIONS.keys(), at);
    this.checkCount(name, known, argumentTrees.length, at);
    const args = argumentTrees.map((argument) => this.compile(argument));
    return (frame) =>
      known.apply(
        args.map((argument) => argument(frame)),
        frame,
      );
  }

  #filter(inputTree: Tree, name: string, argumentTrees: readonly Tree[], at: number): Run {
    const filter = FILTERS.get(name);
    if (filter === undefined) throw this.unknown('filter', name, FILTERS.keys(), at);
    this.checkCount(name, filter, argumentTrees.length, at);
    const input = this.compile(inputTree);
    const [first = missing, second = missing] = argumentTrees.map((argument) => this.compile(argument));
    return (frame) => filter.apply(input(frame), frame, first(frame), second(frame));
  }

  #element(item: Tree | Spread): Part {
    return item.kind === 'spread'
      ? { spread: true, run: this.compile(item.operand) }
      : { spread: false, run: this.compile(item) };
  }

  #member(member: Member): Part & { readonly key: Run } {
    if (member.kind === 'spread') return { spread: true, key: missing, run: this.compile(member.operand) };
    return { spread: false, key: this.compile(member.key), run: this.compile(member.value) };
  }
}

interface Part {
  readonly spread: boolean;
  readonly run: Run;
}

export const missing: Run = () => undefined;

function root(name: string): Run {
  return (frame) => frame.scope.lookup(name, '');
}

function logical(operator: '??' | '||' | '&&', left: Run, right: Run): Run {
  if (operator === '??') return (frame) => left(frame) ?? right(frame);
  return operator === '||' ? (frame) => left(frame) || right(frame) : (frame) => left(frame) && right(frame);
}

function binary(operator: BinaryOperator, left: Run, right: Run): Run {
  switch (operator) {
    case '==':
      return (frame) => isEqual(left(frame), right(frame), frame);
    case '!=':
      return (frame) => !isEqual(left(frame), right(frame), frame);
    case '<':
      return ordered(left, right, (order) => order < 0);
    case '>':
      return ordered(left, right, (order) => order > 0);
    case '<=':
      return ordered(left, right, (order) => order <= 0);
    case '>=':
      return ordered(left, right, (order) => order >= 0);
    case 'in':
      return (frame) => isIn(left(frame), right(frame), frame);
    case '+':
      return (frame) => add(left(frame), right(frame), frame);
    case '-':
      return arithmetic(left, right, (a, b) => a - b);
    case '*':
      return arithmetic(left, right, (a, b) => a * b);
    case '/':
      return arithmetic(left, right, (a, b) => a / b);
    case '%':
      return arithmetic(left, right, (a, b) => a % b);
  }
}

/** What has no order is neither before nor after, and not equal either. */
function ordered(left: Run, right: Run, test: (order: number) => boolean): Run {
  return (frame) => {
    const order = compare(left(frame), right(frame));
    return order !== undefined && test(order);
  };
}

function arithmetic(left: Run, right: Run, operation: (a: number, b: number) => number): Run {
  return (frame) => {
    const a = numberOf(left(frame));
    const b = numberOf(right(frame));
    return a === undefined || b === undefined ? undefined : finite(operation(a, b));
  };
}

/** An element that is missing is null, so that the others keep their places. */
function list(parts: readonly Part[]): Run {
  return (frame) => {
    const result: JsonValue[] = [];
    for (const { spread, run } of parts) {
      const value = run(frame);
      if (!spread) result.push(value ?? null);
      else if (Array.isArray(value)) {
        frame.charge(value.length);
        for (const item of value) result.push(item);
      }
    }
    return result;
  };
}

/** A member that is missing is left out. */
function object(parts: readonly (Part & { readonly key: Run })[]): Run {
  return (frame) => {
    const result: JsonObject = {};
    for (const { spread, key, run } of parts) {
      const value = run(frame);
      if (!spread) {
        if (value !== undefined) put(result, chargedText(key(frame), frame), value);
      } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        const names = Object.keys(value);
        frame.charge(names.length);
        for (const name of names) put(result, name, value[name] ?? null);
      }
    }
    return result;
  };
}

function template(texts: readonly string[], holes: readonly Run[]): Run {
  return (frame) => {
    let text = texts[0] ?? '';
    for (let index = 0; index < holes.length; index += 1) {
      text += chargedText(holes[index]?.(frame), frame) + (texts[index + 1] ?? '');
      frame.checkText(text.length);
    }
    return text;
  };
}
