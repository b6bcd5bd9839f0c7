// The docs agent: documentation of a project as web pages, rendered on the server without a script and without anything
// from elsewhere. Owns which page answers which request.
//
// What it returns can be an answer of its own: `output: { _raw: ${render.output} }`. A raw value that is an object with a
// string `html` or `body` and a string `contentType` is sent as that text with that content type, and with `status`
// where it has one (else 200).

import { stringify } from 'yaml';
import { z } from 'zod';
import type { JsonObject } from '../../model/json.ts';
import { builtIn } from '../built-in-agent.ts';
import { AgentError, type Operation, type OperationContext } from '../operation.ts';
import { type DocsConfig, docsConfigSchema, resolvedDocsConfigSchema } from './docs-config.ts';
import { findPage, type PageRequest } from './find-page.ts';
import { keptPage } from './kept-pages.ts';
import { layout, type PageParts } from './layout.ts';
import { html } from './markup.ts';
import { renderApi, renderApiGroup } from './render-api.ts';
import { renderLanding, renderPage, renderSearch, searchIndex } from './render-pages.ts';
import { renderAgent, renderAgents, renderEnsemble, renderEnsembles } from './render-project.ts';
import { makeSite, type Site } from './site.ts';

export const docsOperation: Operation = {
  name: 'docs',
  config: docsConfigSchema,
  async run(context) {
    const config = readConfig(context);
    const site = makeSite(config, context.services.catalog, context.auth.authenticated);
    const page = findPage(context.input, config, (slug) => site.pages.some((one) => one.slug === slug));
    const render = () => answer(site, page);
    return config.cache?.enabled
      ? keptPage(site, page, config.cache.ttl * 1000, context.clock.now(), render)
      : render();
  },
};

export const DOCS_AGENT = builtIn(
  'docs',
  'Documentation of this project as web pages: Markdown from docs/, agents, ensembles, and the API',
);

function readConfig({ config }: OperationContext): DocsConfig {
  const read = resolvedDocsConfigSchema.safeParse(config);
  if (read.success) return read.data;
  throw new AgentError(`docs: wrong config\n${z.prettifyError(read.error)}`, false);
}

async function answer(site: Site, page: PageRequest): Promise<JsonObject> {
  if (page.kind === 'openapi') return openapiAnswer(site);
  if (page.kind === 'search-index') return jsonAnswer({ entries: searchIndex(site).map((entry) => ({ ...entry })) });
  if (page.kind === 'pages') return pageList(site);
  const parts = render(site, page);
  if (parts) return pageAnswer(await layout(site, parts), parts);
  const missing = await layout(site, { slug: ' ', title: 'Not found', body: NOT_FOUND(site) });
  return {
    success: false,
    html: missing,
    contentType: HTML,
    status: 404,
    error: 'not_found',
    errorMessage: 'There is no such page',
  };
}

function render(
  site: Site,
  page: Exclude<PageRequest, { kind: 'openapi' | 'search-index' | 'pages' }>,
): PageParts | undefined {
  switch (page.kind) {
    case 'landing':
      return renderLanding(site);
    case 'page':
      return page.slug === 'index' ? renderLanding(site) : renderPage(site, page.slug);
    case 'api':
      return page.group === null ? renderApi(site) : renderApiGroup(site, page.group);
    case 'search':
      return renderSearch(site, page.words);
    default:
      return site.config.nav.showReserved === false ? undefined : renderProject(site, page);
  }
}

function renderProject(
  site: Site,
  page: Extract<PageRequest, { kind: 'agents' | 'ensembles' | 'agent' | 'ensemble' }>,
) {
  switch (page.kind) {
    case 'agents':
      return renderAgents(site);
    case 'ensembles':
      return renderEnsembles(site);
    case 'agent':
      return renderAgent(site, page.name);
    case 'ensemble':
      return renderEnsemble(site, page.name);
  }
}

const HTML = 'text/html; charset=utf-8';
const NOT_FOUND = (site: Site) =>
  html`<h1>Not found</h1><p>There is no such page. <a href="${site.link('')}">Back to the start</a></p>`;

function pageAnswer(text: string, { slug, title }: PageParts): JsonObject {
  return { success: true, html: text, contentType: HTML, status: 200, slug, title };
}

function jsonAnswer(value: JsonObject): JsonObject {
  return { success: true, body: JSON.stringify(value), contentType: 'application/json', status: 200 };
}

function openapiAnswer({ catalog }: Site): JsonObject {
  const spec = catalog.openapi();
  return { ...jsonAnswer(spec), spec, specYaml: stringify(spec) };
}

function pageList(site: Site): JsonObject {
  const pages = site.pages.map(({ slug, title, order, hidden }) => ({
    slug,
    title,
    order,
    hidden,
    href: site.link(slug),
  }));
  return { success: true, pages, count: pages.length };
}
