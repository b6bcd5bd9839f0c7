// The project's own pages, the landing page, and the search over them.

import { cutText } from '../../model/cut-text.ts';
import type { DocsPage } from './docs-page.ts';
import { slugOfPath } from './docs-page.ts';
import type { PageParts } from './layout.ts';
import { markdownText, type PageLink, renderMarkdown } from './markdown.ts';
import { html, type Markup, trusted } from './markup.ts';
import { visibleAgents, visibleEnsembles } from './render-project.ts';
import { navigation, type Site } from './site.ts';

export function renderLanding(site: Site): PageParts {
  const index = site.pages.find(({ slug }) => slug === 'index');
  const cards = navigation(site).map(
    ({ slug, title }) =>
      html`<li><a href="${site.link(slug)}"><b>${title}</b> <span>${summary(site, slug)}</span></a></li>`,
  );
  const list = cards.length > 0 && html`<ul class="cards">${cards}</ul>`;
  if (!index) {
    const body = html`<h1>${site.title}</h1>${list}${site.pages.length === 0 && html`<p class="soft">Markdown files in <code>docs/</code> appear here as pages.</p>`}`;
    return { slug: '', title: site.title, body };
  }
  const { content, headings } = pageContent(site, index);
  return { slug: '', title: site.title, body: html`${content}${list}`, headings };
}

export function renderPage(site: Site, slug: string): PageParts | undefined {
  const page = site.pages.find((one) => one.slug === slug);
  if (!page) return undefined;
  const { content, headings } = pageContent(site, page);
  return { slug, title: page.title, body: html`${content}${neighbours(site, slug)}`, headings };
}

function pageContent(site: Site, page: DocsPage) {
  const { html: text, headings } = renderMarkdown(page.markdown, pageLink(site, page.slug));
  const content = html`${headings[0]?.depth !== 1 && html`<h1>${page.title}</h1>`}${trusted(text)}`;
  return { content, headings };
}

function neighbours(site: Site, slug: string): Markup | false {
  const list = navigation(site).filter(({ reserved }) => !reserved);
  const at = list.findIndex((entry) => entry.slug === slug);
  const before = at > 0 ? list[at - 1] : undefined;
  const next = at === -1 ? undefined : list[at + 1];
  if (!before && !next) return false;
  return html`<nav class="turn" aria-label="Previous and next page"><span>${before && html`<a rel="prev" href="${site.link(before.slug)}">← ${before.title}</a>`}</span><span>${next && html`<a rel="next" href="${site.link(next.slug)}">${next.title} →</a>`}</span></nav>`;
}

/** `../setup.md#install` in `guides/first`: links between files work as they do in an editor. */
function pageLink(site: Site, slug: string): PageLink {
  const known = (one: string | undefined) => one !== undefined && site.pages.some((page) => page.slug === one);
  return (address) => {
    const [, path, , anchor] = /^(?![a-z][a-z\d+.-]*:|\/)([^?#]+\.(md|markdown))(?:#(.*))?$/i.exec(address) ?? [];
    if (path === undefined) return undefined;
    // An index page's links start in its own folder, any other page's in the folder that it lies in.
    const folders = [slug.split('/').slice(0, -1), slug.split('/')];
    const found = folders.map((folder) => slugOfPath(joined(folder, decodedPath(path)))).find(known);
    return found === undefined ? undefined : site.link(found === 'index' ? '' : found, anchor);
  };
}

function joined(folder: readonly string[], path: string): string {
  const parts = [...folder];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

const SUMMARY_CHARACTERS_MAX = 140;

function summary(site: Site, slug: string): string {
  const page = site.pages.find((one) => one.slug === slug);
  if (page) return shortened(plainText(page), SUMMARY_CHARACTERS_MAX);
  if (slug === 'agents') return `${visibleAgents(site).length} to build ensembles from`;
  if (slug === 'ensembles')
    return site.showsProject ? `${visibleEnsembles(site).length} in this project` : 'Flows of agents';
  return 'Every call, with parameters and examples';
}

export interface SearchEntry {
  readonly slug: string;
  readonly title: string;
  readonly href: string;
  readonly text: string;
}

/** Everything that search may find: what navigation hides is not in it. */
export function searchIndex(site: Site): SearchEntry[] {
  const hidden = site.config.nav.hide;
  const entry = (slug: string, title: string, text: string) => ({
    slug,
    title,
    href: site.link(slug === 'index' ? '' : slug),
    text,
  });
  return [
    ...site.pages.filter((page) => !page.hidden).map((page) => entry(page.slug, page.title, plainText(page))),
    ...visibleEnsembles(site).map(({ name, description }) => entry(`ensembles/${name}`, name, description ?? '')),
    ...visibleAgents(site).map(({ name, description }) => entry(`agents/${name}`, name, description ?? '')),
  ].filter(({ slug }) => !hidden.includes(slug) && !hidden.includes(slug.split('/')[0] ?? slug));
}

const RESULTS_MAX = 30;

export function renderSearch(site: Site, asked: string): PageParts {
  const wanted = asked.toLowerCase().split(/\s+/);
  const found = searchIndex(site)
    .filter(({ title, text }) => wanted.every((word) => `${title}\n${text}`.toLowerCase().includes(word)))
    .toSorted((a, b) => Number(hits(b.title, wanted)) - Number(hits(a.title, wanted)))
    .slice(0, RESULTS_MAX);
  const body = html`<h1>Search</h1><p class="soft" role="status">${found.length === 0 ? 'Nothing found' : `${found.length} found`} for “${asked}”</p>
<ul class="cards">${found.map(({ title, href, text }) => html`<li><a href="${href}"><b>${title}</b> <span>${excerpt(text, wanted[0] ?? '')}</span></a></li>`)}</ul>`;
  return { slug: 'search', title: `Search: ${asked}`, body, searched: asked };
}

const hits = (title: string, wanted: readonly string[]) => wanted.some((word) => title.toLowerCase().includes(word));

function excerpt(text: string, word: string): string {
  const at = Math.max(text.toLowerCase().indexOf(word) - 40, 0);
  return (at > 0 ? '…' : '') + shortened(text.slice(at), SUMMARY_CHARACTERS_MAX);
}

function shortened(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${cutText(text, charactersMax).replace(/\s+\S*$/, '')}…`;
}

/** Of a page that stays the same the words do, too. */
const words = new WeakMap<DocsPage, string>();

function plainText(page: DocsPage): string {
  const known = words.get(page);
  if (known !== undefined) return known;
  const text = markdownText(page.markdown);
  words.set(page, text);
  return text;
}
