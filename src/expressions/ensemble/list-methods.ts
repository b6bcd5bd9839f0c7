// Methods of lists that take no function. Owns their meaning; all of them give new lists.
// Must never change the list it is given, and never make a text or list that was not paid for.
import type { JsonValue } from '../../model/json.ts';
import type { Frame } from './frame.ts';
import { type Apply, wholeOf } from './method.ts';
import type { Value } from './syntax-tree.ts';
import { chargedText, compare, indexIn } from './values.ts';

type List = readonly JsonValue[];

/** Lists inside lists inside lists: nobody means more than this. */
const FLAT_DEPTH_MAX = 64;

export const LIST_METHODS: ReadonlyMap<string, Apply<List>> = new Map<string, Apply<List>>([
  ['includes', (self, frame, wanted) => indexIn(self, wanted, frame) >= 0],
  ['indexOf', (self, frame, wanted) => indexIn(self, wanted, frame)],
  ['at', (self, _frame, index) => self.at(wholeOf(index, 0))],
  ['slice', slice],
  ['join', (self, frame, mark) => join(self, frame, mark === undefined ? ',' : chargedText(mark, frame))],
  ['concat', concat],
  ['reverse', reverse],
  ['sort', sort],
  ['flat', (self, frame, depth) => flat(self, Math.min(wholeOf(depth, 1), FLAT_DEPTH_MAX), frame, [])],
]);

export function slice(self: List, frame: Frame, from: Value, to: Value): Value {
  const part = self.slice(wholeOf(from, 0), wholeOf(to, undefined));
  frame.charge(part.length);
  return part;
}

export function join(self: List, frame: Frame, mark: string): string {
  frame.charge(self.length);
  let text = '';
  for (let index = 0; index < self.length; index += 1) {
    text += index === 0 ? chargedText(self[index], frame) : mark + chargedText(self[index], frame);
    frame.checkText(text.length);
  }
  frame.chargeText(text.length);
  return text;
}

function concat(self: List, frame: Frame, more: Value): Value {
  frame.charge(self.length + (Array.isArray(more) ? more.length : 1));
  return Array.isArray(more) ? [...self, ...more] : [...self, more ?? null];
}

export function reverse(self: List, frame: Frame): Value {
  frame.charge(self.length);
  return self.toReversed();
}

/** By number when all are numbers, else by their text: a list of 10 and 9 sorts as people sort it. */
export function sort(self: List, frame: Frame): Value {
  frame.charge(self.length * (1 + Math.ceil(Math.log2(self.length + 1))));
  if (self.every((item) => typeof item === 'number')) return self.toSorted((a, b) => compare(a, b) ?? 0);
  const keyed = self.map((item) => ({ item, key: chargedText(item, frame) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ item }) => item);
}

function flat(list: List, depth: number, frame: Frame, result: JsonValue[]): JsonValue[] {
  frame.charge(list.length + 1);
  for (const item of list) {
    if (depth > 0 && Array.isArray(item)) flat(item, depth - 1, frame, result);
    else result.push(item);
  }
  return result;
}
