// `value.method(arguments)`. Owns the choice by what the value turns out to be: a method that the value does not have gives
// nothing, as reading a member of what is missing does. Names and counts of arguments are checked when it is compiled.
import { CALLBACKS, type Callback, type CallbackMethod } from './callbacks.ts';
import type { Compiler, Run } from './compile.ts';
import type { Frame } from './frame.ts';
import { LIST_METHODS } from './list-methods.ts';
import { type Apply, type Arity, arity, wholeOf } from './method.ts';
import type { Arrow, Tree, Value } from './syntax-tree.ts';
import { TEXT_METHODS } from './text-methods.ts';
import { chargedText } from './values.ts';

const ARITIES: ReadonlyMap<string, Arity> = new Map<string, Arity>([
  ...['toUpperCase', 'toLowerCase', 'trim', 'toString', 'reverse'].map((name) => [name, arity(0)] as const),
  ...['includes', 'startsWith', 'endsWith', 'indexOf', 'repeat', 'charAt', 'at'].map(
    (name) => [name, arity(1)] as const,
  ),
  ...['join', 'flat', 'toFixed', 'sort'].map((name) => [name, arity(0, 1)] as const),
  ...['split', 'substring', 'padStart', 'padEnd'].map((name) => [name, arity(1, 2)] as const),
  ...['replace', 'replaceAll'].map((name) => [name, arity(2)] as const),
  ['slice', arity(0, 2)],
  ['concat', arity(1, 100)],
]);

type MethodTree = Extract<Tree, { kind: 'method' }>;

export function compileMethod(compiler: Compiler, tree: MethodTree): Run {
  const { name, at, arrow } = tree;
  const callback = CALLBACKS.get(name);
  if (callback !== undefined && (arrow !== null || name !== 'sort')) return withCallback(compiler, tree, callback);
  const takes = ARITIES.get(name);
  if (takes === undefined) {
    if (name === 'length') throw compiler.fail('"length" is no method: leave out its "()"', at);
    throw compiler.unknown('method', name, new Set([...ARITIES.keys(), ...CALLBACKS.keys()]), at);
  }
  if (arrow !== null) throw compiler.fail(`"${name}" takes no function`, at);
  compiler.checkCount(name, name === 'sort' ? arity(0) : takes, tree.args.length, at);
  const self = compiler.compile(tree.object);
  const args = tree.args.map((argument) => compiler.compile(argument));
  return name === 'concat' ? chained(self, name, args) : applied(self, name, args[0], args[1]);
}

/** `a.concat(b, c)` is `a.concat(b).concat(c)`. */
function chained(self: Run, name: string, args: readonly Run[]): Run {
  return args.reduce((before, argument) => applied(before, name, argument, undefined), self);
}

function applied(self: Run, name: string, first?: Run, second?: Run): Run {
  const onText = TEXT_METHODS.get(name);
  const onList = LIST_METHODS.get(name);
  const onScalar = SCALAR_METHODS.get(name);
  return (frame) => {
    const value = self(frame);
    if (typeof value === 'string') return onText?.(value, frame, first?.(frame), second?.(frame));
    if (Array.isArray(value)) return onList?.(value, frame, first?.(frame), second?.(frame));
    return value === undefined || value === null ? undefined : onScalar?.(value, frame, first?.(frame), undefined);
  };
}

/** Methods of numbers, truth values and objects. */
const SCALAR_METHODS: ReadonlyMap<string, Apply<Value>> = new Map<string, Apply<Value>>([
  ['toString', (self, frame) => chargedText(self, frame)],
  ['toFixed', (self, _frame, digits) => toFixed(self, wholeOf(digits, 0))],
]);

function toFixed(self: Value, digits: number): Value {
  return typeof self === 'number' && digits >= 0 && digits <= 100 ? self.toFixed(digits) : undefined;
}

function withCallback(compiler: Compiler, tree: MethodTree, method: CallbackMethod): Run {
  const { name, at, arrow } = tree;
  if (arrow === null) throw compiler.fail(`"${name}" takes a function, such as "x => x.name"`, at);
  if (arrow.slots.length > method.parameters) {
    throw compiler.fail(`The function of "${name}" is given ${method.parameters} values at most`, at);
  }
  compiler.checkCount(name, arity(1, 1 + method.more), 1 + tree.args.length, at);
  const self = compiler.compile(tree.object);
  const initial = tree.args[0] === undefined ? undefined : compiler.compile(tree.args[0]);
  const call = callbackOf(compiler, arrow);
  return (frame) => {
    const list = self(frame);
    if (!Array.isArray(list)) return undefined;
    return method.apply(list, call, frame, initial?.(frame), initial !== undefined);
  };
}

function callbackOf(compiler: Compiler, arrow: Arrow): Callback {
  compiler.loops = true;
  const before = compiler.nodes;
  const body = compiler.compile(arrow.body);
  const cost = compiler.nodes - before;
  const [one = -1, two = -1, three = -1] = arrow.slots;
  return (frame: Frame, first: Value, second: Value, third: Value) => {
    frame.charge(cost);
    const { locals } = frame;
    if (one >= 0) locals[one] = first;
    if (two >= 0) locals[two] = second;
    if (three >= 0) locals[three] = third;
    return body(frame);
  };
}
