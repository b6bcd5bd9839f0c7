// Where a document itself spells what is filled at the hand-off (`${workflow.vault.stripe.key}`), compiled. Owns telling
// it from the same text that came as data: data may say anything, and must never be filled.
import { isJsonObject, type JsonValue } from '../model/json.ts';
import { compilePath } from './path.ts';
import { splitText } from './split-text.ts';

/** What stands for a literal; the literal itself where nothing does. */
export type FillLiteral = (literal: string) => string;

/** `value` is what the document resolved to; where nothing is filled it is returned as it is. */
export type Spelling = (value: JsonValue, fill: FillLiteral) => JsonValue;

/** Documents nested deeper than this hold no expressions: see template.ts. */
const DEPTH_MAX = 500;

/** Null: the document spells none. */
export function compileSpelling(document: JsonValue, depth = 0): Spelling | null {
  if (typeof document === 'string') return document.includes('${') ? inText(document) : null;
  if (typeof document !== 'object' || document === null || depth >= DEPTH_MAX) return null;
  const inner = new Map<string, Spelling>();
  for (const [key, item] of Object.entries(document)) {
    const spelling = compileSpelling(item, depth + 1);
    if (spelling) inner.set(key, spelling);
  }
  return inner.size === 0 ? null : (value, fill) => filledInside(value, inner, fill);
}

function filledInside(value: JsonValue, inner: ReadonlyMap<string, Spelling>, fill: FillLiteral): JsonValue {
  const filled = (key: string, item: JsonValue) => inner.get(key)?.(item, fill) ?? item;
  if (Array.isArray(value)) return value.map((item, index) => filled(String(index), item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(key, item)]));
}

type Piece = { readonly text: string; readonly isLiteral: boolean };

function inText(document: string): Spelling | null {
  const pieces = splitText(document).map((part): Piece | null => {
    if (typeof part === 'string') return { text: part, isLiteral: false };
    if (!part.parts.every((inner) => typeof inner === 'string')) return null;
    const path = compilePath(part.parts.join(''));
    return path.literal ? { text: String(path.read(NO_SOURCE)), isLiteral: true } : null;
  });
  const known = pieces.filter((piece) => piece !== null);
  if (!known.some(({ isLiteral }) => isLiteral)) return null;
  const filled = (fill: FillLiteral) => known.map(({ text, isLiteral }) => (isLiteral ? fill(text) : text)).join('');
  const whole = known.map(({ text }) => text).join('');
  if (known.length === pieces.length) return (value, fill) => (value === whole ? filled(fill) : value);
  return (value, fill) => (typeof value === 'string' ? amidData(value, known, fill) : value);
}

/** Data stands beside the literal in one text: should it hold the same text, which one is whose is not known. */
function amidData(value: string, known: readonly Piece[], fill: FillLiteral): string {
  const literals = known.filter(({ isLiteral }) => isLiteral).map(({ text }) => text);
  let filled = value;
  for (const literal of new Set(literals)) {
    const spelled = literals.filter((text) => text === literal).length;
    if (value.split(literal).length - 1 === spelled) filled = filled.replaceAll(literal, () => fill(literal));
  }
  return filled;
}

const NO_SOURCE = { lookup: () => undefined };
