// A Markdown page with its front matter taken off. Owns slugs, titles and order; what the Markdown means is
// markdown.ts' business. A front matter that is no YAML is left in the text, where its author sees it.
import { parse } from 'yaml';
import { z } from 'zod';
import type { Catalog } from '../operation.ts';

type CatalogPage = ReturnType<Catalog['pages']>[number];

export interface DocsPage {
  readonly slug: string;
  readonly title: string;
  readonly order: number;
  readonly hidden: boolean;
  /** Without front matter. */
  readonly markdown: string;
}

/** Pages that name no order come after those that do. */
export const ORDER_LAST = 1000;
const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?)\r?\n?---[ \t]*(?:\r?\n|$)/;
const FRONT_MATTER_CHARACTERS_MAX = 10_000;

const frontMatterSchema = z.object({
  title: z.string().trim().min(1).max(200).optional().catch(undefined),
  order: z.number().optional().catch(undefined),
  hidden: z.boolean().optional().catch(undefined),
});

/** A file as the catalog lists it, `path` from the docs folder on; undefined for a README, which is for readers of the folder. */
export function pageOfFile(path: string, text: string): CatalogPage | undefined {
  const slug = slugOfPath(path);
  if (slug === undefined) return undefined;
  const { title, order } = readPage({ slug, title: '', order: ORDER_LAST, markdown: text });
  return { slug, title, order, markdown: text };
}

/** The catalog gives the same objects until the project is read anew, and every request asks for all of them. */
const known = new WeakMap<CatalogPage, DocsPage>();

export function readPage(page: CatalogPage): DocsPage {
  const before = known.get(page);
  if (before) return before;
  const read = pageOf(page);
  known.set(page, read);
  return read;
}

function pageOf(page: CatalogPage): DocsPage {
  const { fields, body } = split(page.markdown);
  return {
    slug: page.slug,
    title: fields.title ?? (page.title || firstHeading(body) || titleOfSlug(page.slug)),
    order: fields.order ?? page.order,
    hidden: fields.hidden ?? false,
    markdown: body,
  };
}

/** `Guides/First Steps.md` is `guides/first-steps`; an index stands for its folder. */
export function slugOfPath(path: string): string | undefined {
  const segments = path
    .replace(/\.(md|markdown)$/i, '')
    .split('/')
    .map((segment) => segment.toLowerCase().replaceAll(/[^\p{L}\p{N}._~-]+/gu, '-'));
  const last = segments.at(-1);
  if (last === 'readme') return undefined;
  return last === 'index' && segments.length > 1 ? segments.slice(0, -1).join('/') : segments.join('/');
}

function split(text: string): { fields: z.infer<typeof frontMatterSchema>; body: string } {
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const [whole, yaml] = FRONT_MATTER.exec(plain.slice(0, FRONT_MATTER_CHARACTERS_MAX)) ?? [];
  if (whole === undefined || yaml === undefined) return { fields: {}, body: plain };
  try {
    const fields = frontMatterSchema.safeParse(parse(yaml, { maxAliasCount: 0 }) ?? {});
    return fields.success ? { fields: fields.data, body: plain.slice(whole.length) } : { fields: {}, body: plain };
  } catch {
    return { fields: {}, body: plain };
  }
}

function firstHeading(markdown: string): string | undefined {
  return /^#[ \t]+(\S.*?)[ \t#]*$/m.exec(markdown)?.[1]?.replaceAll(/[`*]/g, '');
}

function titleOfSlug(slug: string): string {
  const words = (slug.split('/').at(-1) ?? slug).replaceAll(/[-_]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
