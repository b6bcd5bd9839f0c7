// The parser against a reading of its own: random trees, printed with all brackets and with as few as precedence allows,
// must mean what the tree means.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from './scope.fixture.ts';

type Scalar = number | string | boolean | null | undefined;

type Sum =
  | { readonly value: Scalar; readonly text: string }
  | { readonly operator: string; readonly operands: readonly Sum[] };

const STRENGTH: Readonly<Record<string, number>> = {
  '?:': 1,
  '??': 2,
  '||': 3,
  '&&': 4,
  ...{ '==': 5, '!=': 5, '===': 5, '!==': 5 },
  ...{ '<': 6, '>': 6, '<=': 6, '>=': 6 },
  ...{ '+': 7, '-': 7 },
  ...{ '*': 8, '/': 8, '%': 8 },
  ...{ '!': 9, neg: 9, typeof: 9 },
};
const BINARY = Object.keys(STRENGTH).filter((operator) => !['?:', '!', 'neg', 'typeof'].includes(operator));

const DATA = { n: 4, s: 'b', t: true, z: 0, nil: null };
const leaf: fc.Arbitrary<Sum> = fc.constantFrom<Sum[]>(
  { value: 1, text: '1' },
  { value: 2.5, text: '2.5' },
  { value: 0, text: 'z' },
  { value: 4, text: 'n' },
  { value: 'b', text: 's' },
  { value: 'a', text: "'a'" },
  { value: '', text: '""' },
  { value: true, text: 't' },
  { value: false, text: 'false' },
  { value: null, text: 'nil' },
  { value: undefined, text: 'missing.x' },
);
const { tree } = fc.letrec<{ tree: Sum }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.record({ operator: fc.constantFrom(...BINARY), operands: fc.tuple(tie('tree'), tie('tree')) }),
    fc.record({ operator: fc.constantFrom('!', 'neg', 'typeof'), operands: fc.tuple(tie('tree')) }),
    fc.record({ operator: fc.constant('?:'), operands: fc.tuple(tie('tree'), tie('tree'), tie('tree')) }),
  ),
}));

function meaning(sum: Sum): Scalar {
  if ('value' in sum) return sum.value;
  const [a, b, c] = sum.operands.map(meaning);
  switch (sum.operator) {
    case '?:':
      return a ? b : c;
    case '??':
      return a ?? b;
    case '||':
      return a || b;
    case '&&':
      return a && b;
    case '==':
    case '===':
      return same(a, b);
    case '!=':
    case '!==':
      return !same(a, b);
    case '!':
      return !a;
    case 'typeof':
      return typeof a;
    case '+':
      return plus(a, b);
    default:
      return calculated(sum.operator, a, sum.operator === 'neg' ? 0 : b);
  }
}

function same(a: Scalar, b: Scalar): boolean {
  return a === b || (a ?? null) === (b ?? null);
}

function plus(a: Scalar, b: Scalar): Scalar {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  return typeof a === 'string' || typeof b === 'string' ? `${a ?? ''}${b ?? ''}` : undefined;
}

function calculated(operator: string, a: Scalar, b: Scalar): Scalar {
  if (typeof a === 'string' && typeof b === 'string' && '<>='.includes(operator[0] ?? '')) {
    return { '<': a < b, '>': a > b, '<=': a <= b, '>=': a >= b }[operator];
  }
  const [x, y] = [number(a), number(b)];
  const answers: Readonly<Record<string, Scalar>> = {
    ...{ '<': x < y, '>': x > y, '<=': x <= y, '>=': x >= y },
    ...{ '-': x - y, '*': x * y, '/': x / y, '%': x % y, neg: -x },
  };
  const answer = answers[operator];
  return typeof answer !== 'number' ? answer : Number.isFinite(answer) ? answer + 0 : undefined;
}

function number(value: Scalar): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

function full(sum: Sum): string {
  return 'value' in sum ? sum.text : `(${spelled(sum.operator, sum.operands.map(full))})`;
}

/** Brackets only where the tree is not what precedence makes of the text: all binary operators lean to the left. */
function least(sum: Sum): string {
  if ('value' in sum) return sum.text;
  const { operator, operands } = sum;
  const own = STRENGTH[operator] ?? 0;
  return spelled(
    operator,
    operands.map((operand, index) => {
      const inner = 'value' in operand ? 10 : (STRENGTH[operand.operator] ?? 0);
      const tighter = operator === '?:' ? index === 0 : operands.length === 2 && index === 1;
      return inner < own || (tighter && inner === own) ? `(${least(operand)})` : least(operand);
    }),
  );
}

function spelled(operator: string, [a = '', b = '', c = '']: readonly string[]): string {
  if (operator === '?:') return `${a} ? ${b} : ${c}`;
  if (operator === '!') return `!${a}`;
  if (operator === 'neg') return `- ${a}`;
  return operator === 'typeof' ? `typeof ${a}` : `${a} ${operator} ${b}`;
}

describe('operators', () => {
  it('mean the same with all brackets, with as few as possible, and by the book', () => {
    fc.assert(
      fc.property(tree, (sum) => {
        const expected = meaning(sum);
        expect(evaluate(full(sum), DATA), full(sum)).toEqual(expected);
        expect(evaluate(least(sum), DATA), least(sum)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
