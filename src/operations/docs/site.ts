// The documentation as one reader sees it: its pages in order, its links, and whether the project's agents and
// ensembles are shown to them. Made for one request, and forgotten with it.
import type { Catalog } from '../operation.ts';
import type { DocsConfig } from './docs-config.ts';
import { type DocsPage, readPage } from './docs-page.ts';

export interface Site {
  readonly config: DocsConfig;
  readonly title: string;
  readonly catalog: Catalog;
  /** Also the hidden ones. */
  readonly pages: readonly DocsPage[];
  readonly showsProject: boolean;
  /** Address of a page below `basePath`; the landing page for ''. */
  link(slug: string, anchor?: string): string;
}

export interface NavigationEntry {
  readonly slug: string;
  readonly title: string;
  /** Ours, and not a page of the project's `docs/`. */
  readonly reserved: boolean;
}

export function makeSite(config: DocsConfig, catalog: Catalog, authenticated: boolean): Site {
  const pages = catalog.pages().map(readPage);
  const base = config.basePath === '/' ? '' : config.basePath;
  const deep = mountsDeeper(catalog, base);
  return {
    config,
    title: config.title ?? `${catalog.projectName || 'Conductor'} documentation`,
    catalog,
    pages: pages.toSorted(inOrder),
    showsProject: config.nav.showReserved ?? authenticated,
    link(slug, anchor) {
      const path = slug.split('/').map(encodeURIComponent).join('/');
      const at = slug === '' ? base || '/' : deep ? `${base}/${path}` : `${base || '/'}?page=${path}`;
      return anchor ? `${at}#${encodeURIComponent(anchor)}` : at;
    },
  };
}

/** What the side bar and the landing page list. */
export function navigation(site: Site): NavigationEntry[] {
  const own = site.pages.filter((page) => !page.hidden && page.slug !== 'index');
  const taken = new Set(site.pages.map(({ slug }) => slug));
  const entries = [
    ...own.map(({ slug, title }) => ({ slug, title, reserved: false })),
    ...reserved(site).filter(({ slug }) => !taken.has(slug)),
  ];
  const order = site.config.nav.order;
  const place = ({ slug }: NavigationEntry) => (order.includes(slug) ? order.indexOf(slug) : order.length);
  return entries.filter(({ slug }) => !site.config.nav.hide.includes(slug)).toSorted((a, b) => place(a) - place(b));
}

/** The addresses below `basePath` that are ours, unless the project has a page of that name. */
function reserved({ config }: Site): NavigationEntry[] {
  const api = { slug: 'api', title: 'API reference', reserved: true };
  if (config.nav.showReserved === false) return [api];
  return [
    api,
    { slug: 'ensembles', title: 'Ensembles', reserved: true },
    { slug: 'agents', title: 'Agents', reserved: true },
  ];
}

function inOrder(a: DocsPage, b: DocsPage): number {
  return a.order - b.order || a.title.localeCompare(b.title, 'en') || (a.slug < b.slug ? -1 : 1);
}

/** Whether some trigger answers below `base`. If none does, every page must hang on the one address that is mounted. */
function mountsDeeper(catalog: Catalog, base: string): boolean {
  const paths = catalog.ensembles().flatMap(({ triggers }) => triggers.flatMap((text) => text.split(/[\s,]+/)));
  return paths.some((path) => path.startsWith(`${base}/:`) || path.startsWith(`${base}/*`));
}
