// Markdown to HTML that may stand in a page of ours. Raw HTML is shown as text, links and images go only where
// `linkTarget` lets them. Must never emit a tag or an attribute that is not spelled out here or in marked's renderer.
import { Marked, type RendererObject, type TokenizerObject } from 'marked';
import { linkTarget } from './link-target.ts';
import { escapeHtml } from './markup.ts';

export interface Heading {
  readonly id: string;
  readonly depth: number;
  readonly text: string;
}

export interface RenderedMarkdown {
  readonly html: string;
  readonly headings: readonly Heading[];
}

/** Turns the address in a link to another page (`../setup.md`) into that page's; undefined leaves it as it is. */
export type PageLink = (address: string) => string | undefined;

export function renderMarkdown(markdown: string, pageLink: PageLink = () => undefined): RenderedMarkdown {
  const headings: Heading[] = [];
  const marked = new Marked({ gfm: true, tokenizer: NO_HTML });
  marked.use({ renderer: { ...PLAIN, ...links(pageLink), ...headingsInto(headings) } });
  return { html: marked.parse(markdown, { async: false }), headings };
}

/** The words alone, as a reader sees them, but for the page's own heading: to be searched, and to stand on cards. */
export function markdownText(markdown: string): string {
  const marked = new Marked({ gfm: true, tokenizer: NO_HTML });
  marked.use({ renderer: WORDS });
  return plainText(marked.parse(markdown, { async: false }).replaceAll(/\s+/g, ' ').trim());
}

const COMMENT = /^<!--[\s\S]*?-->/;
const BREAK = /^<br[ \t]*\/?>/i;

/** Only comments (left out) and line breaks are taken for HTML: all the rest falls through and is read as text. */
const NO_HTML: TokenizerObject = {
  html(source) {
    const [raw] = COMMENT.exec(source) ?? [];
    return raw === undefined ? undefined : { type: 'html', block: true, raw, pre: false, text: '' };
  },
  tag(source) {
    const [raw] = COMMENT.exec(source) ?? BREAK.exec(source) ?? [];
    if (raw === undefined) return undefined;
    const text = BREAK.test(raw) ? '<br>' : '';
    return { type: 'html', block: false, raw, text, inLink: false, inRawBlock: false };
  },
};

const PLAIN: RendererObject = {
  html: ({ text }) => (text === '<br>' ? text : ''),
  code({ text, lang }) {
    const language = /^[\w+#.-]{1,30}/.exec(lang ?? '')?.[0];
    const label = language ? ` class="language-${escapeHtml(language)}"` : '';
    return `<pre tabindex="0"><code${label}>${escapeHtml(text)}\n</code></pre>\n`;
  },
  codespan: ({ text }) => `<code>${escapeHtml(text)}</code>`,
  table(token) {
    const row = (tag: string, cells: typeof token.header) =>
      `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`;
    const body = token.rows.map((cells) => row('td', cells)).join('\n');
    return `<div class="wide"><table><thead>${row('th', token.header)}</thead><tbody>${body}</tbody></table></div>\n`;
  },
  checkbox: ({ checked }) => `<input type="checkbox" disabled${checked ? ' checked' : ''}> `,
};

const WORDS: RendererObject = {
  space: () => '',
  hr: () => '',
  html: ({ text }) => (text === '<br>' ? ' ' : ''),
  br: () => ' ',
  checkbox: () => '',
  code: ({ text }) => `${text}\n`,
  codespan: ({ text }) => text,
  image: ({ text }) => text,
  blockquote({ tokens }) {
    return this.parser.parse(tokens);
  },
  heading({ tokens, depth }) {
    return depth === 1 ? '' : `${this.parser.parseInline(tokens)}\n`;
  },
  paragraph({ tokens }) {
    return `${this.parser.parseInline(tokens)}\n`;
  },
  list({ items }) {
    return items.map((item) => `\n${this.parser.parse(item.tokens)}\n`).join('');
  },
  table({ header, rows }) {
    return [header, ...rows]
      .map((row) => `${row.map(({ tokens }) => this.parser.parseInline(tokens)).join(' ')}\n`)
      .join('');
  },
  strong({ tokens }) {
    return this.parser.parseInline(tokens);
  },
  em({ tokens }) {
    return this.parser.parseInline(tokens);
  },
  del({ tokens }) {
    return this.parser.parseInline(tokens);
  },
  link({ tokens }) {
    return this.parser.parseInline(tokens);
  },
  text(token) {
    return 'tokens' in token && token.tokens ? this.parser.parseInline(token.tokens) : token.text;
  },
};

function links(pageLink: PageLink): RendererObject {
  return {
    link({ href, title, tokens }) {
      const inner = this.parser.parseInline(tokens);
      const target = linkTarget(pageLink(href) ?? href);
      if (target === undefined) return inner;
      return `<a href="${escapeHtml(target)}"${titleAttribute(title)}${outside(target)}>${inner}</a>`;
    },
    image({ href, title, text }) {
      const target = linkTarget(href);
      if (target === undefined || target.startsWith('mailto:')) return escapeHtml(text);
      // A picture from elsewhere would tell that site who reads this page.
      if (outside(target)) return `<a href="${escapeHtml(target)}"${outside(target)}>${escapeHtml(text || target)}</a>`;
      return `<img src="${escapeHtml(target)}" alt="${escapeHtml(text)}"${titleAttribute(title)} loading="lazy">`;
    },
  };
}

const outside = (target: string) => (/^https?:/i.test(target) ? ' rel="noopener noreferrer"' : '');
const titleAttribute = (title: string | null | undefined) => (title ? ` title="${escapeHtml(title)}"` : '');

function headingsInto(headings: Heading[]): RendererObject {
  const used = new Set<string>();
  return {
    heading({ tokens, depth }) {
      const inner = this.parser.parseInline(tokens);
      const text = this.parser.parseInline(tokens, this.parser.textRenderer);
      const id = uniqueId(text, used);
      headings.push({ id, depth, text: plainText(text) });
      return `<h${depth} id="${escapeHtml(id)}">${inner}</h${depth}>\n`;
    },
  };
}

/** Letters and digits of any script, joined by hyphens, so that an id is an anchor that can be guessed. Always lower
 *  case: the frame's own ids begin with a capital. */
function uniqueId(text: string, used: Set<string>): string {
  const words = plainText(text)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_-]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '');
  const base = words.slice(0, 80) || 'section';
  let id = base;
  for (let count = 2; used.has(id); count += 1) id = `${base}-${count}`;
  used.add(id);
  return id;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** What marked's text renderer has escaped, as it was. */
function plainText(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
