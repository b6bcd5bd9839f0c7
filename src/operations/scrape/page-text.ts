// What a reader sees of an HTML page, as text or Markdown. Owns what is left out (navigation, forms, footers) and how the
// rest is written down. Must never let a page's text become markup: what looks like HTML in it is escaped.
import { decodeEntities, htmlTokens, lowerCase, type Tag } from './html-tokens.ts';

const SILENT = new Set(['nav', 'footer', 'form', 'button', 'head', 'aside', 'dialog']);
/** Deeper than this nobody nests; without an end each closing tag would search all that is open. */
const DEPTH_MAX = 100;
const PARAGRAPHS = new Set(
  'address article blockquote dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 header main p section table'.split(' '),
);
const MARKS: Readonly<Record<string, string>> = {
  b: '**',
  strong: '**',
  i: '*',
  em: '*',
  code: '`',
  del: '~~',
  s: '~~',
};

export function titleOf(html: string): string | null {
  const start = html.slice(0, 100_000);
  const lower = lowerCase(start);
  const open = lower.indexOf('<title');
  const from = open < 0 ? -1 : lower.indexOf('>', open);
  const end = from < 0 ? -1 : lower.indexOf('</title', from);
  return end < 0
    ? null
    : decodeEntities(start.slice(from + 1, end))
        .replace(/\s+/g, ' ')
        .trim();
}

/** Headings, emphasis, lists, links, images, code and tables as Markdown; links as seen from `base`. */
export function markdownOf(html: string, base: string): string {
  return readable(html, base);
}

export function textOf(html: string): string {
  return readable(html, null);
}

function readable(html: string, base: string | null): string {
  const writer = new Writer(base);
  const silent: string[] = [];
  for (const token of htmlTokens(mainPart(html))) {
    if (token.kind === 'tag' && SILENT.has(token.name)) silence(silent, token);
    else if (silent.length > 0) continue;
    else if (token.kind === 'text') writer.text(token.text);
    else if (token.closing) writer.close(token.name);
    else writer.open(token);
  }
  return writer.result();
}

function silence(silent: string[], { closing, name }: Tag): void {
  if (!closing && silent.length < DEPTH_MAX) silent.push(name);
  else if (closing && silent.includes(name)) silent.length = silent.lastIndexOf(name);
}

/** The page's `<main>`, or its only article, where it says which part that is; else its body. */
function mainPart(html: string): string {
  const lower = lowerCase(html);
  for (const name of ['main', 'article', 'body']) {
    const open = lower.indexOf(`<${name}`);
    const close = lower.lastIndexOf(`</${name}`);
    if (open < 0 || close <= open) continue;
    if (name === 'article' && lower.indexOf('<article', open + 1) >= 0) continue;
    return html.slice(open, close);
  }
  return html;
}

interface List {
  readonly ordered: boolean;
  items: number;
}

class Writer {
  /** Null: plain text, without any marks. */
  readonly #base: string | null;
  readonly #parts: string[] = [];
  readonly #lists: List[] = [];
  readonly #links: (string | null)[] = [];
  /** Line breaks owed before the next text. */
  #owed = 0;
  #space = false;
  #preformatted = false;
  #cells = 0;
  #rows = 0;

  constructor(base: string | null) {
    this.#base = base;
  }

  text(text: string): void {
    if (this.#preformatted) {
      this.#put(this.#withoutFence(text));
      return;
    }
    const words = text.replace(/\s+/g, ' ');
    if (words.startsWith(' ')) this.#space = true;
    const bare = words.trim();
    if (bare === '') return;
    this.#put(this.#base === null ? bare : bare.replace(/[\\`*_[\]<]/g, '\\$&'));
    this.#space = words.endsWith(' ');
  }

  open({ attributes, name }: Tag): void {
    if (PARAGRAPHS.has(name)) this.#owed = 2;
    if (/^h[1-6]$/.test(name)) this.#mark(`${'#'.repeat(Number(name[1]))} `);
    else if (name === 'ul' || name === 'ol') this.#openList(name === 'ol');
    else if (name === 'li') this.#item();
    else if (name === 'br') this.#owed = Math.max(this.#owed, 1);
    else if (name === 'hr') this.#rule();
    else if (name === 'pre') this.#fence(true);
    else if (name === 'tr') this.#row();
    else if (name === 'td' || name === 'th') this.#cell();
    else if (name === 'a') this.#openLink(attributes.get('href') ?? '');
    else if (name === 'img') this.#image(attributes);
    else if (!this.#preformatted) this.#mark(MARKS[name] ?? '');
  }

  close(name: string): void {
    if (PARAGRAPHS.has(name)) this.#owed = 2;
    else if (name === 'ul' || name === 'ol') this.#closeList();
    else if (name === 'li') this.#owed = Math.max(this.#owed, 1);
    else if (name === 'pre') this.#fence(false);
    else if (name === 'tr') this.#endRow();
    else if (name === 'a') this.#closeLink();
    else if (!this.#preformatted) this.#endMark(MARKS[name] ?? '');
  }

  result(): string {
    while (this.#links.length > 0) this.#closeLink();
    return this.#parts.join('').trim();
  }

  #put(text: string): void {
    if (this.#parts.length > 0 && this.#owed > 0) this.#parts.push('\n'.repeat(this.#owed));
    else if (this.#space && this.#parts.length > 0) this.#parts.push(' ');
    this.#owed = 0;
    this.#space = false;
    this.#parts.push(text);
  }

  /** Code that ends the fence around it would be read as Markdown from there on. */
  #withoutFence(text: string): string {
    const goesOn = text.startsWith('`') && this.#parts.at(-1)?.endsWith('`');
    return this.#base !== null && (goesOn || text.includes('``')) ? text.replaceAll('`', "'") : text;
  }

  #mark(mark: string): void {
    if (mark !== '' && this.#base !== null) this.#put(mark);
  }

  /** Spaces before it go behind it: a mark must touch what it marks. */
  #endMark(mark: string): void {
    if (mark !== '' && this.#base !== null) this.#parts.push(mark);
  }

  #openList(ordered: boolean): void {
    this.#owed = this.#lists.length === 0 ? 2 : 1;
    if (this.#lists.length < DEPTH_MAX) this.#lists.push({ ordered, items: 0 });
  }

  #closeList(): void {
    this.#lists.pop();
    this.#owed = this.#lists.length === 0 ? 2 : 1;
  }

  #item(): void {
    const list = this.#lists.at(-1);
    if (list) list.items += 1;
    this.#owed = Math.max(this.#owed, 1);
    const indent = '  '.repeat(Math.max(0, this.#lists.length - 1));
    if (this.#base !== null) this.#put(`${indent}${list?.ordered ? `${list.items}.` : '-'} `);
  }

  #rule(): void {
    this.#owed = 2;
    this.#mark('---');
    this.#owed = 2;
  }

  #fence(opening: boolean): void {
    if (opening === this.#preformatted) return;
    this.#owed = opening ? 2 : 1;
    this.#mark(opening ? '```\n' : '```');
    if (!opening) this.#owed = 2;
    this.#preformatted = opening;
  }

  #row(): void {
    this.#owed = Math.max(this.#owed, 1);
    this.#rows = this.#owed === 2 ? 0 : this.#rows + 1;
    this.#cells = 0;
  }

  #cell(): void {
    this.#cells += 1;
    if (this.#base === null) this.#space = true;
    else this.#put(this.#cells === 1 ? '| ' : ' | ');
  }

  #endRow(): void {
    if (this.#cells > 0) this.#mark(' |');
    this.#owed = 1;
    if (this.#cells > 0 && this.#rows === 0) this.#mark(`|${' --- |'.repeat(Math.min(this.#cells, DEPTH_MAX))}`);
    this.#owed = 1;
    this.#cells = 0;
  }

  #openLink(href: string): void {
    const target = this.#resolved(href);
    if (this.#links.length >= DEPTH_MAX) return;
    this.#links.push(target);
    if (target !== null) this.#mark('[');
  }

  #closeLink(): void {
    const target = this.#links.pop() ?? null;
    if (target !== null) this.#endMark(`](${target})`);
  }

  #image(attributes: ReadonlyMap<string, string>): void {
    const source = this.#resolved(attributes.get('src') ?? '');
    const label = (attributes.get('alt') ?? '').replace(/[\\[\]<\s]+/g, ' ').trim();
    if (source !== null && label !== '') this.#mark(`![${label}](${source})`);
  }

  /** Null for plain text, and for what a reader must not be led to, such as `javascript:`. */
  #resolved(href: string): string | null {
    if (this.#base === null || href === '' || !URL.canParse(href, this.#base)) return null;
    const url = new URL(href, this.#base);
    if (!/^(https?|mailto):$/.test(url.protocol)) return null;
    return url.href.replace(/[()<>\s]/g, (character) => encodeURIComponent(character).replace(/[()]/, bracket));
  }
}

function bracket(character: string): string {
  return character === '(' ? '%28' : '%29';
}
