// The frame of every docs page: head, side bar, search, table of contents. Holds no script, loads nothing from elsewhere,
// and says so itself in a content security policy, for whoever sends the page without one.
import type { Heading } from './markdown.ts';
import { type Fragment, html, type Markup, trusted } from './markup.ts';
import { navigation, type Site } from './site.ts';
import { stylesheet } from './stylesheet.ts';

export interface PageParts {
  readonly slug: string;
  readonly title: string;
  readonly body: Markup;
  readonly headings?: readonly Heading[];
  readonly searched?: string;
}

export async function layout(site: Site, page: PageParts): Promise<string> {
  const style = stylesheet(site.config);
  const contents = (page.headings ?? []).filter(({ depth }) => depth === 2 || depth === 3);
  const title = page.slug === '' ? site.title : `${page.title} · ${site.title}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${await policy(site, style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<a class="skip" href="#Content">Skip to content</a>
${topBar(site, page)}
<div class="frame${contents.length > 1 ? ' toc' : ''}">
${sideBar(site, page.slug)}
<main id="Content" tabindex="-1">
${page.body}
</main>
${contents.length > 1 && tableOfContents(contents)}
</div>
</body>
</html>
`.text;
}

function topBar(site: Site, page: PageParts): Markup {
  const { logo } = site.config.theme;
  const { projectVersion } = site.catalog;
  return html`<header class="top">
<a class="toggle" href="#Menu">Menu</a>
<a class="brand" href="${site.link('')}">${logo && html`<img src="${logo}" alt="">`}<span>${site.title}</span>${projectVersion && html` <span class="soft">${projectVersion}</span>`}</a>
<form role="search" action="${site.link('')}" method="get"><input type="search" name="q" value="${page.searched ?? ''}" maxlength="100" placeholder="Search" aria-label="Search the documentation"></form>
</header>`;
}

function sideBar(site: Site, current: string): Markup {
  const entries = navigation(site);
  const here = (slug: string) => current === slug || (slug !== '' && current.startsWith(`${slug}/`));
  const list = (items: typeof entries): Fragment =>
    items.length > 0 &&
    html`<ul>${items.map(
      ({ slug, title }) =>
        html`<li><a href="${site.link(slug)}"${here(slug) && html` aria-current="${current === slug ? 'page' : 'true'}"`}>${title}</a></li>`,
    )}</ul>`;
  const own = entries.filter(({ reserved }) => !reserved);
  const reserved = entries.filter(({ reserved }) => reserved);
  return html`<nav class="side" id="Menu" aria-label="Documentation">
${list([{ slug: '', title: 'Home', reserved: false }, ...own])}
${reserved.length > 0 && html`<h2>Reference</h2>`}${list(reserved)}
</nav>`;
}

function tableOfContents(headings: readonly Heading[]): Markup {
  return html`<aside aria-label="On this page"><h2>On this page</h2><ul>${headings.map(
    ({ id, depth, text }) => html`<li class="d${depth}"><a href="#${encodeURIComponent(id)}">${text}</a></li>`,
  )}</ul></aside>`;
}

/** No script at all, the one style sheet by its hash, pictures from here and the logo from where its owner put it. */
async function policy(site: Site, style: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const { logo } = site.config.theme;
  const logoOrigin = logo && URL.canParse(logo) ? ` ${new URL(logo).origin}` : '';
  return `default-src 'none'; style-src 'sha256-${hash}'; img-src 'self'${logoOrigin}; form-action 'self'; base-uri 'none'`;
}
