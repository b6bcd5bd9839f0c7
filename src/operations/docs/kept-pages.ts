// Rendered pages, kept for as long as the docs agent's `cache` says. Bound to the list of pages they were made from, so
// that a project that is loaded anew starts with none; bounded in number.
import type { JsonObject } from '../../model/json.ts';
import type { Catalog } from '../operation.ts';
import type { PageRequest } from './find-page.ts';
import type { Site } from './site.ts';

const PAGES_MAX = 500;
type KeptPages = Map<string, { readonly answer: JsonObject; readonly untilMs: number }>;
const kept = new WeakMap<ReturnType<Catalog['pages']>, KeptPages>();

export async function keptPage(
  site: Site,
  page: PageRequest,
  ttlMs: number,
  now: number,
  render: () => Promise<JsonObject>,
): Promise<JsonObject> {
  const source = site.catalog.pages();
  const pages: KeptPages = kept.get(source) ?? new Map();
  kept.set(source, pages);
  const key = JSON.stringify([page, site.config, site.title, site.showsProject]);
  const found = pages.get(key);
  if (found && found.untilMs > now) return found.answer;
  const answer = await render();
  // Searches and wrong addresses are as many as callers like: they would push out the pages.
  if (page.kind === 'search' || answer.success !== true) return answer;
  if (pages.size >= PAGES_MAX) pages.clear();
  pages.set(key, { answer, untilMs: now + ttlMs });
  return answer;
}
