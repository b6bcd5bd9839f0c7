// Methods of texts. Owns their meaning, which is JavaScript's for plain texts: a pattern is always a text, never a regular
// expression, and what replaces it is never read for `$&`. Must never make a text that was not paid for.
import type { Frame } from './frame.ts';
import { type Apply, wholeOf } from './method.ts';
import type { Value } from './syntax-tree.ts';
import { chargedText } from './values.ts';

export const TEXT_METHODS: ReadonlyMap<string, Apply<string>> = new Map<string, Apply<string>>([
  ['includes', searching((self, part) => self.includes(part))],
  ['indexOf', searching((self, part) => self.indexOf(part))],
  ['startsWith', reading((self, part) => self.startsWith(part))],
  ['endsWith', reading((self, part) => self.endsWith(part))],
  ['toUpperCase', copying((self) => self.toUpperCase())],
  ['toLowerCase', copying((self) => self.toLowerCase())],
  ['trim', copying((self) => self.trim())],
  ['toString', (self) => self],
  ['slice', copying((self, from, to) => self.slice(wholeOf(from, 0), wholeOf(to, undefined)))],
  ['substring', copying((self, from, to) => self.substring(wholeOf(from, 0), wholeOf(to, undefined)))],
  ['charAt', (self, _frame, index) => self.charAt(wholeOf(index, 0))],
  ['at', (self, _frame, index) => self.at(wholeOf(index, 0))],
  ['split', split],
  ['concat', (self, frame, more) => joined(self, chargedText(more, frame), frame)],
  ['repeat', repeat],
  ['replace', (self, frame, from, to) => replace(self, frame, chargedText(from, frame), chargedText(to, frame))],
  ['replaceAll', (self, frame, from, to) => replaceAll(self, frame, chargedText(from, frame), chargedText(to, frame))],
  ['padStart', (self, frame, length, fill) => padding(self, frame, length, fill) + self],
  ['padEnd', (self, frame, length, fill) => self + padding(self, frame, length, fill)],
]);

/** Nothing includes what is missing: neither as the word "undefined", nor as an empty text that is in everything. */
function reading(look: (self: string, part: string) => Value): Apply<string> {
  return (self, frame, part) => {
    if (part === undefined || part === null) return look('', 'x');
    const wanted = chargedText(part, frame);
    frame.chargeText(wanted.length);
    return look(self, wanted);
  };
}

function searching(look: (self: string, part: string) => Value): Apply<string> {
  return (self, frame, part) => {
    if (part === undefined || part === null) return look('', 'x');
    const wanted = chargedText(part, frame);
    frame.chargeSearch(self.length, wanted.length);
    return look(self, wanted);
  };
}

function copying(copy: (self: string, first: Value, second: Value) => string): Apply<string> {
  return (self, frame, first, second) => {
    frame.chargeText(self.length);
    return copy(self, first, second);
  };
}

export function split(self: string, frame: Frame, separator: Value, limit?: Value): Value {
  if (separator === undefined || separator === null) return [self];
  const mark = chargedText(separator, frame);
  // An empty separator makes an element of every character.
  if (mark === '') frame.charge(self.length);
  frame.chargeSearch(self.length, mark.length);
  const parts = self.split(mark, wholeOf(limit, undefined));
  frame.charge(parts.length);
  return parts;
}

function joined(self: string, more: string, frame: Frame): string {
  frame.checkText(self.length + more.length);
  return self + more;
}

function repeat(self: string, frame: Frame, count: Value): Value {
  const times = wholeOf(count, undefined);
  if (times === undefined || times < 0) return undefined;
  frame.chargeNewText(self.length * times);
  return self.repeat(self === '' ? 0 : times);
}

function replace(self: string, frame: Frame, from: string, to: string): string {
  frame.chargeSearch(self.length, from.length);
  frame.chargeNewText(self.length + to.length);
  return self.replace(from, () => to);
}

/** An empty pattern is found nowhere: the other reading puts `to` between all characters. */
function replaceAll(self: string, frame: Frame, from: string, to: string): string {
  if (from === '') return self;
  frame.chargeSearch(self.length, from.length);
  const pieces = self.split(from);
  frame.charge(pieces.length);
  frame.chargeNewText(self.length + (pieces.length - 1) * (to.length - from.length));
  return pieces.join(to);
}

function padding(self: string, frame: Frame, length: Value, fill: Value): string {
  const wanted = wholeOf(length, 0);
  const mark = fill === undefined ? ' ' : chargedText(fill, frame);
  if (wanted <= self.length || mark === '') return '';
  frame.chargeNewText(wanted);
  return ''.padEnd(wanted - self.length, mark);
}
