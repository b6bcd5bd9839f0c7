// What a caller wants to read, from `Accept-Language`, else from the country. Must take the header as a stranger's text:
// what is no language tag is passed over, and no more than a few are looked at.
import { languagesOfCountry } from './country-languages.ts';

const WANTED_MAX = 20;
const HEADER_LENGTH_MAX = 1_000;
const TAG = /^[a-z]{2,3}(-[a-z0-9]{2,8})*$|^\*$/;
const RIGHT_TO_LEFT = new Set('ar he fa ur yi ps sd ckb dv ug'.split(' '));

/** Tags in lower case by falling weight, equal ones in the order of the header; without those that are refused (`q=0`). */
export function wantedTags(header: string): readonly string[] {
  return header
    .slice(0, HEADER_LENGTH_MAX)
    .toLowerCase()
    .split(',', WANTED_MAX)
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((each) => each.trim());
      const weight = parameters.find((each) => each.startsWith('q='))?.slice(2);
      return { tag, weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ tag, weight }) => TAG.test(tag) && weight > 0 && weight <= 1)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}

/** Base tags (`de` for `de-AT`), each once. Never empty. */
export function languagesOf(wanted: readonly string[], country: string): readonly string[] {
  const bases = wanted.filter((tag) => tag !== '*').map(baseOf);
  return bases.length > 0 ? [...new Set(bases)] : languagesOfCountry(country);
}

/** The best of `supported`, as it is spelled there: the very tag before one of the same language. Else the first. */
export function preferredOf(wanted: readonly string[], supported: readonly string[]): string {
  const [first = 'en'] = supported;
  for (const tag of wanted) {
    if (tag === '*') return first;
    const found =
      supported.find((each) => each.toLowerCase() === tag) ??
      supported.find((each) => each.toLowerCase() === baseOf(tag)) ??
      supported.find((each) => baseOf(each.toLowerCase()) === baseOf(tag));
    if (found !== undefined) return found;
  }
  return first;
}

export function isRightToLeft(language: string): boolean {
  return RIGHT_TO_LEFT.has(language);
}

function baseOf(tag: string): string {
  return tag.split('-', 1)[0] ?? tag;
}
