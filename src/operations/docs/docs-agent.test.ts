import { describe, expect, it } from 'vitest';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import { AgentError } from '../operation.ts';
import { askDocs, catalogOf, htmlOf, readTags, request } from './docs.fixture.ts';
import { docsOperation } from './docs-agent.ts';

const FILES = {
  'index.md': '# Welcome\n\nSee [set up](guides/setup.md#two).',
  'guides/setup.md':
    '---\norder: 1\n---\n# Set up\n\n[home](../index.md) [next](other.md) [none](gone.md)\n\n## One\n\n## Two\n',
  'guides/other.md': '---\norder: 2\n---\n# Other things\n\nAbout zebras.',
  'internal.md': '---\nhidden: true\n---\n# Not listed\n\nzebras too',
};
const catalog = catalogOf(FILES);
const EVERY_PATH = [
  '',
  '/guides/setup',
  '/guides/other',
  '/agents',
  '/agents/fetch',
  '/ensembles',
  '/ensembles/invoice-pdf',
  '/api',
  '/api/things',
  '/none',
];

const linkOf = (text: string, name: string) => new RegExp(`href="([^"]+)"[^>]*>(<b>)?${name}<`).exec(text)?.[1];

describe('the docs agent', () => {
  it('answers a request with the page that its path names', async () => {
    const titleAt = async (path: string) =>
      (await askDocs({ catalog, input: request(path), authenticated: true })).title;
    expect(await titleAt('/docs')).toBe('Acme documentation');
    expect(await titleAt('/docs/')).toBe('Acme documentation');
    expect(await titleAt('/docs/guides/setup')).toBe('Set up');
    expect(await titleAt('/docs/guides%2Fsetup')).toBe('Set up');
    expect(await titleAt('/docs/agents')).toBe('Agents');
    expect(await titleAt('/docs/agents/fetch')).toBe('fetch');
    expect(await titleAt('/docs/ensembles/invoice-pdf')).toBe('invoice-pdf');
    expect(await titleAt('/docs/api/things')).toBe('Things API');
  });

  it('answers what is not there with a page and 404', async () => {
    for (const path of ['/docs/none', '/docs/api/none', '/docs/agents/none', '/docs/%E0%A4%A', '/docs/__proto__']) {
      const answer = await askDocs({ catalog, input: request(path), authenticated: true });
      expect(answer).toMatchObject({
        success: false,
        status: 404,
        error: 'not_found',
        contentType: 'text/html; charset=utf-8',
      });
      expect(answer.html).toContain('There is no such page');
    }
  });

  it('does what a caller names as the action', async () => {
    const ask = (input: Record<string, string>) => askDocs({ catalog, input, authenticated: true });
    expect(await ask({ action: 'render-landing' })).toMatchObject({ success: true, title: 'Acme documentation' });
    expect(await ask({ action: 'render-page', slug: 'guides/other' })).toMatchObject({ title: 'Other things' });
    expect(await ask({ action: 'render-agents' })).toMatchObject({ title: 'Agents' });
    expect(await ask({ action: 'render-agent-detail', name: 'fetch' })).toMatchObject({ title: 'fetch' });
    expect(await ask({ action: 'render-ensembles' })).toMatchObject({ title: 'Ensembles' });
    expect(await ask({ action: 'render-ensemble-detail', name: 'invoice-pdf' })).toMatchObject({
      title: 'invoice-pdf',
    });
    expect(await ask({ action: 'render-api' })).toMatchObject({ title: 'API reference' });
    const openapi = await ask({ action: 'generate-openapi' });
    expect(JSON.parse(String(openapi.body))).toEqual(openapi.spec);
    expect(openapi.specYaml).toContain('openapi: 3.1.0');
    const list = await ask({ action: 'list-pages' });
    expect(list).toMatchObject({ count: 4 });
    expect(JSON.stringify(list.pages)).toContain(
      '{"slug":"guides/setup","title":"Set up","order":1,"hidden":false,"href":"/docs/guides/setup"}',
    );
    await expect(ask({ action: 'render-page' })).rejects.toThrow('needs `slug`');
    await expect(ask({ action: 'format-disk' })).rejects.toThrow(AgentError);
  });

  it('lets the config pin the action against what a request asks', async () => {
    const config = { action: 'render-landing' };
    const answer = await askDocs({ catalog, config, input: { ...request('/docs/agents'), action: 'render-agents' } });
    expect(answer.title).toBe('Acme documentation');
  });

  it('serves its OpenAPI document and its search index as JSON', async () => {
    const openapi = await askDocs({ catalog, input: request('/docs/openapi.json') });
    expect(openapi).toMatchObject({ status: 200, contentType: 'application/json' });
    expect(JSON.parse(String(openapi.body)).openapi).toBe('3.1.0');
    const index = JSON.parse(String((await askDocs({ catalog, input: request('/docs/search.json') })).body));
    expect(index.entries.map((entry: { slug: string }) => entry.slug)).toEqual([
      'guides/setup',
      'guides/other',
      'index',
      'agents/fetch',
    ]);
  });

  it('finds pages by their words, but not the hidden ones', async () => {
    const found = await htmlOf({ catalog, input: request('/docs', { q: 'ZEBRAS about' }) });
    expect(linkOf(found, 'Other things')).toBe('/docs/guides/other');
    expect(found).not.toContain('Not listed');
    const hostile = await htmlOf({ catalog, input: request('/docs', { q: '"><script>alert(1)</script>' }) });
    readTags(hostile);
    expect(hostile).not.toContain('<script');
  });

  it('lists pages in the order of the config, then of their front matter, and hides what is to be hidden', async () => {
    const linksOf = (text: string) => [...text.matchAll(/<li><a href="(\/docs[^"]*)"/g)].map(([, href]) => href);
    const plain = linksOf(await htmlOf({ catalog, input: request('/docs/none') }));
    expect(plain).toEqual([
      '/docs',
      '/docs/guides/setup',
      '/docs/guides/other',
      '/docs/api',
      '/docs/ensembles',
      '/docs/agents',
    ]);
    const nav = { order: ['agents', 'guides/other'], hide: ['ensembles'] };
    const ordered = linksOf(await htmlOf({ catalog, config: { nav }, input: request('/docs/none') }));
    expect(ordered).toEqual(['/docs', '/docs/guides/other', '/docs/guides/setup', '/docs/agents', '/docs/api']);
    expect(await htmlOf({ catalog, input: request('/docs/internal') })).toContain('Not listed');
  });

  it('turns links between Markdown files into links between pages', async () => {
    const text = await htmlOf({ catalog, input: request('/docs/guides/setup') });
    expect(linkOf(text, 'home')).toBe('/docs');
    expect(linkOf(text, 'next')).toBe('/docs/guides/other');
    expect(linkOf(text, 'none')).toBe('gone.md');
    expect(linkOf(await htmlOf({ catalog, input: request('/docs') }), 'set up')).toBe('/docs/guides/setup#two');
  });

  it('prefers a page of the project to a page of ours', async () => {
    const own = catalogOf({ 'api.md': '# Our own API page' });
    expect(await htmlOf({ catalog: own, input: request('/docs/api') })).toContain('Our own API page');
  });

  it('tells readers without a credential nothing of what the project holds', async () => {
    for (const path of EVERY_PATH) {
      const text = await htmlOf({ catalog, input: request(`/docs${path}`) });
      expect(text.replaceAll(path, '')).not.toMatch(/ledger-secret|invoice-pdf/);
    }
    const hidden = await askDocs({ catalog, input: request('/docs/agents/ledger-secret') });
    const absent = await askDocs({ catalog, input: request('/docs/agents/ledger-absent') });
    expect(hidden).toEqual(absent);
    const search = await askDocs({ catalog, input: request('/docs/search.json') });
    expect(search.body).not.toContain('ledger-secret');
    expect(await htmlOf({ catalog, input: request('/docs/agents/ledger-secret'), authenticated: true })).toContain(
      'Adds up',
    );
  });

  it('shows the project to all with showReserved: true, and to none with false', async () => {
    const config = (showReserved: boolean) => ({ nav: { showReserved } });
    expect(await htmlOf({ catalog, config: config(true), input: request('/docs/agents') })).toContain('ledger-secret');
    const none = { catalog, config: config(false), authenticated: true };
    expect(await askDocs({ ...none, input: request('/docs/agents') })).toMatchObject({ status: 404 });
    expect(await htmlOf({ ...none, input: request('/docs') })).not.toContain('/docs/agents');
  });

  it('hangs every page on the one address that is mounted, where none is mounted below it', async () => {
    const config = { title: 'Internal Documentation', basePath: '/docs/internal' };
    const ask = (query = {}) =>
      htmlOf({ catalog, config, input: request('/docs/internal', query), authenticated: true });
    const landing = await ask();
    expect(landing).toContain('<title>Internal Documentation</title>');
    const href = linkOf(landing, 'Other things');
    expect(href).toBe('/docs/internal?page=guides/other');
    expect(await ask({ page: 'guides/other' })).toContain('About zebras');
    expect(await ask({ page: 'api/things' })).toContain('One thing');
  });

  it('escapes what the config says, wherever it stands', async () => {
    const title = '</title><script>alert("1")</script>';
    const config = { title, theme: { logo: '/l.png?a&b', primaryColor: '#0a7' } };
    const text = await htmlOf({ catalog, config, input: request('/docs') });
    readTags(text);
    expect(text).not.toContain('<script');
    expect(text).toContain('--accent:#0a7');
    expect(text).toContain('src="/l.png?a&#38;b"');
  });

  it.each<JsonObject>([
    { theme: { primaryColor: 'red}</style><script>alert(1)</script>' } },
    { theme: { primaryColor: 'url(//evil.example)' } },
    { theme: { primaryColor: '${x}</style><script>alert(1)</script>' } },
    { theme: { logo: 'javascript:alert(1)' } },
    { theme: { logo: '//evil.example/x.png' } },
    { theme: { logo: 'https://a.example/x;script-src *' } },
    { basePath: 'https://evil.example' },
    { basePath: '/docs/"x' },
    { titel: 'Docs' },
    { nav: { orders: [] } },
  ])('refuses the config %j', async (config) => {
    await expect(askDocs({ catalog, config })).rejects.toThrow('docs: wrong config');
  });

  it('takes a template for a value until it is resolved', () => {
    const config = {
      title: '${env.TITLE}',
      basePath: '/docs',
      theme: { primaryColor: '${env.COLOUR}', logo: '{{ input.logo }}' },
    };
    expect(docsOperation.config.safeParse(config).success).toBe(true);
  });

  it.each(['stoplight', 'redoc', 'swagger', 'scalar', 'rapidoc'])('renders its own page for ui: %s', async (ui) => {
    expect(await htmlOf({ catalog, config: { ui }, input: request('/docs/api') })).toContain('API reference');
  });

  it('needs no script, and loads nothing from anywhere but the logo that its owner named', async () => {
    const logo = 'https://cdn.example/logo.svg';
    const project = catalogOf({ ...FILES, 'x.md': '![p](https://t.example/p.png) [l](https://l.example)' });
    for (const path of [...EVERY_PATH, '/x']) {
      const text = await htmlOf({
        catalog: project,
        config: { theme: { logo } },
        input: request(`/docs${path}`),
        authenticated: true,
      });
      const tags = readTags(text);
      expect(tags.map(({ name }) => name)).not.toContain('script');
      const loaded = tags.filter(({ name }) => ['script', 'link', 'img', 'iframe', 'object', 'source'].includes(name));
      expect(loaded.map(({ attributes }) => attributes.src ?? attributes.href)).toEqual([logo]);
      expect(text).not.toMatch(/@import|url\(|\son\w+=|\sstyle=/);
    }
  });

  it('carries a policy under which its own style sheet, and nothing else, holds', async () => {
    const text = await htmlOf({
      catalog,
      config: { theme: { logo: 'https://cdn.example/a/b.svg' } },
      input: request('/docs'),
    });
    const policy = readTags(text)
      .find(({ attributes }) => attributes['http-equiv'])
      ?.attributes.content?.replaceAll('&#39;', "'");
    const style = /<style>([^<]*)<\/style>/.exec(text)?.[1] ?? '';
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style));
    const hash = Buffer.from(digest).toString('base64');
    expect(policy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src 'self' https://cdn.example; form-action 'self'; base-uri 'none'`,
    );
  });

  it('has on every page one heading, landmarks with names, unique ids, and anchors that lead somewhere', async () => {
    for (const path of EVERY_PATH) {
      const text = await htmlOf({ catalog, input: request(`/docs${path}`), authenticated: true });
      const tags = readTags(text);
      expect(tags.filter(({ name }) => name === 'h1')).toHaveLength(1);
      expect(tags.filter(({ name }) => name === 'main')).toHaveLength(1);
      const ids = tags.flatMap(({ attributes }) => attributes.id ?? []);
      expect(new Set(ids).size).toBe(ids.length);
      const anchors = tags.flatMap(({ attributes }) =>
        attributes.href?.startsWith('#') ? decodeURIComponent(attributes.href.slice(1)) : [],
      );
      expect(anchors.length).toBeGreaterThan(1);
      for (const anchor of anchors) expect(ids).toContain(anchor);
      for (const { name, attributes } of tags)
        if (name === 'nav' || name === 'aside') expect(attributes['aria-label']).toBeTruthy();
      for (const { name, attributes } of tags) if (name === 'img') expect(attributes).toHaveProperty('alt');
    }
  });

  it('is dark or light as configured, else as the reader has it', async () => {
    const scheme = async (darkMode?: boolean | 'auto') =>
      /color-scheme:([a-z ]+)/.exec(
        await htmlOf({ catalog, config: darkMode === undefined ? {} : { theme: { darkMode } } }),
      )?.[1];
    expect([await scheme(), await scheme('auto'), await scheme(true), await scheme(false)]).toEqual([
      'light dark',
      'light dark',
      'dark',
      'light',
    ]);
  });

  it('keeps a rendered page for as long as its cache says, but not for another reader nor over a reload', async () => {
    const version = (number: number) => ({ slug: 'v', title: `Version ${number}`, order: 1, markdown: 'x' });
    let pages = [version(1)];
    const changing = catalogOf({}, { pages: () => pages });
    const input = request('/docs/v');
    const at = async (now: number, authenticated = false, config = { cache: { ttl: 60 } }) =>
      /<h1>(Version \d)/.exec(await htmlOf({ catalog: changing, config, input, now, authenticated }))?.[1];
    expect(await at(0)).toBe('Version 1');
    pages[0] = version(2);
    expect(await at(59_999)).toBe('Version 1');
    expect(await at(59_999, true)).toBe('Version 2');
    expect(await at(60_000)).toBe('Version 2');
    pages = [version(3)];
    expect(await at(60_000)).toBe('Version 3');
    pages[0] = version(4);
    expect(/Version \d/.exec(await htmlOf({ catalog: changing, input }))?.[0]).toBe('Version 4');
  });

  it('gives an output that can be sent as it is: text, content type, status', async () => {
    for (const path of [...EVERY_PATH, '/openapi.json', '/search.json']) {
      const answer = await askDocs({ catalog, input: request(`/docs${path}`) });
      expect(isJsonObject(answer) && typeof (answer.html ?? answer.body)).toBe('string');
      expect([200, 404]).toContain(answer.status);
      expect(answer.contentType).toMatch(/^(text\/html; charset=utf-8|application\/json)$/);
    }
  });
});
