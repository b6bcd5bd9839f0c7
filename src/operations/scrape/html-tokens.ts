// HTML as a row of texts and tags, read once from front to back: a hostile page takes no longer than an honest one of its
// length, which no parser that builds a tree of it can promise. Owns where a tag, a comment and a script end.

export interface Tag {
  readonly kind: 'tag';
  /** Lower case. */
  readonly name: string;
  readonly closing: boolean;
  readonly attributes: ReadonlyMap<string, string>;
}

export type HtmlToken = { readonly kind: 'text'; readonly text: string } | Tag;

/** Their content is no text of the page: only their own end tag ends them, whatever stands in between. */
const SKIPPED = new Set(['script', 'style', 'noscript', 'template', 'svg', 'iframe', 'object', 'textarea', 'select']);
const TAG_START = /<(\/?)([a-z][a-z0-9-]{0,30})/iy;
const ATTRIBUTE = /[\s/]*([^\s/>=]+)(?:\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?/y;
const ATTRIBUTES_MAX = 50;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  copy: '©',
  gt: '>',
  hellip: '…',
  laquo: '«',
  ldquo: '“',
  lsquo: '‘',
  lt: '<',
  mdash: '—',
  nbsp: ' ',
  ndash: '–',
  quot: '"',
  raquo: '»',
  rdquo: '”',
  reg: '®',
  rsquo: '’',
};

export function* htmlTokens(html: string): Generator<HtmlToken> {
  const lower = lowerCase(html);
  let position = 0;
  while (position < html.length) {
    const open = indexOrEnd(html, '<', position);
    if (open > position) yield { kind: 'text', text: decodeEntities(html.slice(position, open)) };
    if (open === html.length) return;
    const read = tagAt(html, open);
    if (read === null) {
      position = afterMarkup(html, open);
      if (position === open + 1) yield { kind: 'text', text: '<' };
      continue;
    }
    position = read.end;
    if (!SKIPPED.has(read.tag.name)) yield read.tag;
    else if (!read.tag.closing) position = afterSkipped(lower, read.tag.name, read.end);
  }
}

export function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]{2,8});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Letters of ASCII alone: others may change their length, and with it every position. */
export function lowerCase(html: string): string {
  return html.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function tagAt(html: string, open: number): { readonly tag: Tag; readonly end: number } | null {
  TAG_START.lastIndex = open;
  const start = TAG_START.exec(html);
  if (!start) return null;
  const attributes = new Map<string, string>();
  let end = TAG_START.lastIndex;
  for (let count = 0; count < ATTRIBUTES_MAX; count += 1) {
    ATTRIBUTE.lastIndex = end;
    const found = ATTRIBUTE.exec(html);
    if (!found) break;
    end = ATTRIBUTE.lastIndex;
    const name = (found[1] ?? '').toLowerCase();
    if (!attributes.has(name)) attributes.set(name, decodeEntities(found[2] ?? found[3] ?? found[4] ?? ''));
  }
  const tag: Tag = { kind: 'tag', name: (start[2] ?? '').toLowerCase(), closing: start[1] === '/', attributes };
  return { tag, end: indexOrEnd(html, '>', end) + 1 };
}

/** Past a comment or a declaration; one character on where "<" is just that. */
function afterMarkup(html: string, open: number): number {
  if (html.startsWith('<!--', open)) return indexOrEnd(html, '-->', open + 4) + 3;
  return /[!?/]/.test(html[open + 1] ?? '') ? indexOrEnd(html, '>', open) + 1 : open + 1;
}

function afterSkipped(lower: string, name: string, from: number): number {
  return indexOrEnd(lower, '>', indexOrEnd(lower, `</${name}`, from)) + 1;
}

function indexOrEnd(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index < 0 ? text.length : index;
}
