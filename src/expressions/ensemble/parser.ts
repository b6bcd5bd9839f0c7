// Tokens to a tree, by precedence. Owns the grammar. From loosest to tightest: `|` filters, `?:`, `??`, `||`, `&&`,
// `== !=`, `< > <= >= in`, `+ -`, `* / %`, `! - typeof`, members and calls. Must never run out of stack on any text.
import { ExpressionError } from './expression-error.ts';
import { parseArrow } from './parse-arrow.ts';
import { parseList, parseObject } from './parse-literal.ts';
import { type Arrow, type BinaryOperator, FORBIDDEN, type LogicalOperator, type Tree } from './syntax-tree.ts';
import type { Token } from './token.ts';

const NESTING_MAX = 100;

const LOGICAL: ReadonlyMap<string, { readonly operator: LogicalOperator; readonly strength: number }> = new Map([
  ['??', { operator: '??', strength: 1 }],
  ['||', { operator: '||', strength: 2 }],
  ['&&', { operator: '&&', strength: 3 }],
]);
const BINARY: ReadonlyMap<string, { readonly operator: BinaryOperator; readonly strength: number }> = new Map([
  ['==', { operator: '==', strength: 4 }],
  ['===', { operator: '==', strength: 4 }],
  ['!=', { operator: '!=', strength: 4 }],
  ['!==', { operator: '!=', strength: 4 }],
  ['<', { operator: '<', strength: 5 }],
  ['>', { operator: '>', strength: 5 }],
  ['<=', { operator: '<=', strength: 5 }],
  ['>=', { operator: '>=', strength: 5 }],
  ['in', { operator: 'in', strength: 5 }],
  ['+', { operator: '+', strength: 6 }],
  ['-', { operator: '-', strength: 6 }],
  ['*', { operator: '*', strength: 7 }],
  ['/', { operator: '/', strength: 7 }],
  ['%', { operator: '%', strength: 7 }],
]);
const CONSTANTS: ReadonlyMap<string, null | boolean | undefined> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
  ['undefined', undefined],
]);
/** Objects whose functions can be called; on their own they are names like any other. */
const HOLDERS: ReadonlySet<string> = new Set(['Object', 'Math', 'JSON', 'Array', 'Date']);

export interface Parsed {
  readonly tree: Tree;
  /** Names read from the scope. */
  readonly roots: ReadonlySet<string>;
}

export function parse(tokens: readonly Token[], source: string): Parsed {
  const parser = new Parser(tokens, source, [], new Set(), 0);
  if (parser.token.kind === 'end') throw parser.fail('The expression is empty');
  return { tree: parser.whole(), roots: parser.roots };
}

export class Parser {
  readonly #tokens: readonly Token[];
  readonly #source: string;
  /** Parameters of the functions around this place, innermost last; the index is the slot. */
  readonly #locals: string[];
  readonly roots: Set<string>;
  #at = 0;
  #nesting: number;

  constructor(tokens: readonly Token[], source: string, locals: string[], roots: Set<string>, nesting: number) {
    this.#tokens = tokens;
    this.#source = source;
    this.#locals = locals;
    this.roots = roots;
    this.#nesting = nesting;
  }

  get token(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    return this.#tokens[this.#at + ahead] ?? { kind: 'end', text: '', at: this.#source.length };
  }

  advance(): Token {
    const { token } = this;
    this.#at += 1;
    return token;
  }

  is(sign: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'sign' && token.text === sign;
  }

  take(sign: string): boolean {
    if (!this.is(sign)) return false;
    this.#at += 1;
    return true;
  }

  expect(sign: string, meaning: string): void {
    if (!this.take(sign)) throw this.fail(`"${sign}" is missing ${meaning}${this.#found()}`);
  }

  fail(message: string, at = this.token.at): ExpressionError {
    return new ExpressionError(message, this.#source, at);
  }

  /** Parameters are known while `inner` is read. */
  within(parameters: readonly string[], inner: (slots: readonly number[]) => Tree): Arrow {
    const first = this.#locals.length;
    this.#locals.push(...parameters);
    const slots = parameters.map((_, index) => first + index);
    const body = inner(slots);
    this.#locals.length = first;
    return { slots, body };
  }

  whole(): Tree {
    const tree = this.expression();
    if (this.token.kind !== 'end') throw this.fail(this.#afterEnd(tree));
    return tree;
  }

  #afterEnd(tree: Tree): string {
    const { text } = this.token;
    if (text === '=>') return 'A function may only be given to a method of lists, such as map or filter';
    if (text === '=') return 'Nothing can be assigned: write "==" to compare';
    if (tree.kind === 'filter') return `A filter ends the expression: put "(…)" round what comes before "${text}"`;
    return `An operator is missing${this.#found()}`;
  }

  #found(): string {
    return this.token.kind === 'end' ? ' before the end' : ` before "${this.token.text}"`;
  }

  /** A whole expression, filters included: what stands between brackets, too. */
  expression(): Tree {
    let tree = this.#choice();
    while (this.is('|')) {
      const { at } = this.advance();
      if (this.token.kind !== 'name') throw this.fail('The name of a filter is missing after "|"');
      const name = this.advance().text;
      tree = { kind: 'filter', at, input: tree, name, args: this.take('(') ? this.#arguments() : [] };
    }
    return tree;
  }

  #choice(): Tree {
    this.#nesting += 1;
    if (this.#nesting > NESTING_MAX) throw this.fail('The expression is nested too deeply: use several steps');
    let tree = this.#binary(1);
    if (this.is('?')) {
      const { at } = this.advance();
      const yes = this.#choice();
      this.expect(':', 'between the two values of "? :"');
      tree = { kind: 'choice', at, test: tree, yes, no: this.#choice() };
    }
    this.#nesting -= 1;
    return tree;
  }

  #binary(weakest: number): Tree {
    let left = this.#unary();
    for (;;) {
      const { text, at, kind } = this.token;
      const logical = kind === 'sign' ? LOGICAL.get(text) : undefined;
      const binary = kind === 'sign' || text === 'in' ? BINARY.get(text) : undefined;
      const strength = (logical ?? binary)?.strength ?? 0;
      if (strength < weakest) return left;
      this.advance();
      const right = this.#binary(strength + 1);
      if (logical !== undefined) left = { kind: 'logical', at, operator: logical.operator, left, right };
      else if (binary !== undefined) left = { kind: 'binary', at, operator: binary.operator, left, right };
    }
  }

  #unary(): Tree {
    const { text, at, kind } = this.token;
    const operator = kind === 'sign' && (text === '!' || text === '-') ? text : null;
    const isTypeof = kind === 'name' && text === 'typeof';
    if (operator === null && !isTypeof) return this.#postfix();
    this.advance();
    this.#nesting += 1;
    if (this.#nesting > NESTING_MAX) throw this.fail('The expression is nested too deeply: use several steps');
    const operand = this.#unary();
    this.#nesting -= 1;
    return { kind: 'unary', at, operator: operator ?? 'typeof', operand };
  }

  #postfix(): Tree {
    let tree = this.#primary();
    for (;;) {
      const { at } = this.token;
      // Reading from what is missing gives what is missing, so `?.` and `.` are the same.
      if (this.take('?.')) tree = this.take('[') ? this.#index(tree, at) : this.#member(tree);
      else if (this.take('[')) tree = this.#index(tree, at);
      else if (this.take('.')) tree = this.#member(tree);
      else if (this.is('(')) throw this.fail('Only methods and the known functions can be called');
      else return tree;
    }
  }

  #index(object: Tree, at: number): Tree {
    const index = this.expression();
    this.expect(']', 'after the index');
    return { kind: 'index', at, object, index };
  }

  #member(object: Tree): Tree {
    if (this.token.kind !== 'name') throw this.fail('A name is missing after the dot');
    const { text: name, at } = this.advance();
    if (FORBIDDEN.has(name)) throw this.fail(`"${name}" cannot be read: rename the field in your data`, at);
    if (!this.take('(')) return { kind: 'member', at, object, name };
    const arrow = parseArrow(this, name);
    if (arrow === null) return { kind: 'method', at, object, name, arrow, args: this.#arguments() };
    if (this.take(')')) return { kind: 'method', at, object, name, arrow, args: [] };
    this.expect(',', 'after the function');
    return { kind: 'method', at, object, name, arrow, args: this.#arguments() };
  }

  /** The opening bracket has been taken. */
  #arguments(): Tree[] {
    const args: Tree[] = [];
    while (!this.take(')')) {
      args.push(this.expression());
      if (!this.is(')')) this.expect(',', 'between two arguments');
    }
    return args;
  }

  #primary(): Tree {
    const { token } = this;
    const { at } = token;
    switch (token.kind) {
      case 'number':
        this.advance();
        return { kind: 'literal', at, value: token.value };
      case 'text':
        this.advance();
        return { kind: 'literal', at, value: token.text };
      case 'template':
        this.advance();
        return { kind: 'template', at, texts: token.texts, holes: token.holes.map((hole) => this.#hole(hole)) };
      case 'name':
        return this.#name();
      default:
        return this.#bracketed();
    }
  }

  #hole(tokens: readonly Token[]): Tree {
    const inner = new Parser(tokens, this.#source, this.#locals, this.roots, this.#nesting + 1);
    if (inner.token.kind === 'end') throw inner.fail('The expression is empty');
    return inner.whole();
  }

  #bracketed(): Tree {
    const { at } = this.token;
    if (this.take('(')) {
      const tree = this.expression();
      this.expect(')', 'to close the bracket');
      // Brackets end the reach of a filter; the tree says so by itself.
      return tree;
    }
    if (this.take('[')) return parseList(this, at);
    if (this.take('{')) return parseObject(this, at);
    if (this.is('/')) throw this.fail('There are no regular expressions here: use includes, split or replaceAll');
    throw this.fail(`A value is missing${this.#found()}`);
  }

  #name(): Tree {
    const { text: name, at } = this.advance();
    if (CONSTANTS.has(name)) return { kind: 'literal', at, value: CONSTANTS.get(name) };
    if (name === 'in' || name === 'typeof') throw this.fail(`"${name}" stands at a wrong place`, at);
    return this.#call(name, at) ?? this.read(name, at);
  }

  #call(holder: string, at: number): Tree | null {
    if (this.take('(')) return { kind: 'call', at, name: holder, args: this.#arguments() };
    if (!HOLDERS.has(holder) || this.#locals.includes(holder)) return null;
    if (!this.is('.') || this.peek(1).kind !== 'name' || !this.is('(', 2)) return null;
    this.advance();
    const { text } = this.advance();
    this.advance();
    return { kind: 'call', at, name: `${holder}.${text}`, args: this.#arguments() };
  }

  /** A name on its own: a parameter of a function around it, else a root of the scope. */
  read(name: string, at: number): Tree {
    const slot = this.#locals.lastIndexOf(name);
    if (slot >= 0) return { kind: 'local', at, slot };
    const hyphen = name.indexOf('-');
    if (hyphen > 0 && this.#locals.includes(name.slice(0, hyphen))) {
      throw this.fail(`"${name}" is one name: put spaces round the minus to subtract`, at);
    }
    if (FORBIDDEN.has(name)) throw this.fail(`"${name}" cannot be read`, at);
    this.roots.add(name);
    return { kind: 'root', at, name };
  }
}
