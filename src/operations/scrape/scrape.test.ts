import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createEgress } from '../../egress/create-egress.ts';
import { type Handler, serve } from '../../egress/public-network.fixture.ts';
import { openBench } from '../testing/operation-context.ts';
import { markdownOf, textOf, titleOf } from './page-text.ts';
import { scrape } from './scrape.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const PAGE = `<!doctype html><html><head><title>Prices &amp; plans</title><style>p{}</style></head><body>
<nav><a href="/home">Home</a></nav><main><h1>Prices</h1><p>From <b>5</b>&nbsp;euro.<script>if (a<b) "</p>"</script></p>
<ul><li>One</li><li>Two</li></ul><form><input></form></main><footer>Imprint</footer></body></html>`;

async function open(handler: Handler) {
  const server = await serve(handler);
  const bench = openBench({ egress: createEgress({ allowOrigins: () => [server.origin] }) });
  closers.push(server.close, bench.close);
  return { ...bench, server, input: { url: `${server.origin}/page` } };
}

function answering(status: number, body: string, headers: Record<string, string> = {}): Handler {
  return (_request, response) => response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body);
}

describe('scrape', () => {
  it('gives a page as Markdown, text or HTML', async () => {
    const { context, input } = await open(answering(200, PAGE));
    expect(await scrape.run(context(input))).toMatchObject({
      success: true,
      url: input.url,
      title: 'Prices & plans',
      format: 'markdown',
      tier: 'fetch',
      content: '# Prices\n\nFrom **5** euro.\n\n- One\n- Two',
    });
    expect(await scrape.run(context(input, { returnFormat: 'text' }))).toMatchObject({
      content: 'Prices\n\nFrom 5 euro.\n\nOne\nTwo',
    });
    expect(await scrape.run(context(input, { returnFormat: 'html' }))).toMatchObject({ content: PAGE });
  });

  it('says that it was kept out, and by whom', async () => {
    const walls: [Handler, string][] = [
      [answering(403, 'x', { 'cf-mitigated': 'challenge' }), 'cloudflare'],
      [answering(503, '<script src="/cdn-cgi/challenge-platform/x.js"></script>'), 'cloudflare'],
      [answering(403, '<script src="https://geo.captcha-delivery.com/c.js"></script>'), 'datadome'],
      [answering(403, '<div id="px-captcha"></div>'), 'perimeterx'],
      [answering(200, '<title>Just a moment...</title>'), 'captcha'],
    ];
    for (const [handler, provider] of walls) {
      const { context, input } = await open(handler);
      expect(await scrape.run(context(input, { strategy: 'fast' }))).toMatchObject({
        success: false,
        reason: 'blocked',
        provider,
      });
    }
  });

  it('takes a page about captchas for a page', async () => {
    const article = `<title>What a captcha is</title><p>${'Words about px-captcha. '.repeat(1000)}</p>`;
    const { context, input } = await open(answering(200, article));
    expect(await scrape.run(context(input))).toMatchObject({ success: true });
  });

  it('gives another status as no success', async () => {
    const { context, input } = await open(answering(404, 'none'));
    expect(await scrape.run(context(input))).toMatchObject({ success: false, reason: 'http_error', status: 404 });
  });

  it('asks once when fast, again when balanced, and with the agent it is told', async () => {
    const agents: unknown[] = [];
    const handler: Handler = (request, response) => {
      agents.push(request.headers['user-agent']);
      response.writeHead(agents.length % 2 === 1 ? 500 : 200).end('ok');
    };
    const { context, input, server } = await open(handler);
    expect(await scrape.run(context(input, { strategy: 'fast', userAgent: 'mine' }))).toMatchObject({ status: 500 });
    expect(server.hits()).toBe(1);
    await scrape.run(context(input, { strategy: 'fast' }));
    expect(await scrape.run(context(input))).toMatchObject({ status: 200, attempt: 2 });
    expect(agents).toEqual([
      'mine',
      expect.stringContaining('Conductor'),
      ...Array(2).fill(expect.stringContaining('Chrome')),
    ]);
  });

  it('gives what is no page as it is', async () => {
    const { context, input } = await open(answering(200, '{"a":"<b>"}', { 'content-type': 'application/json' }));
    expect(await scrape.run(context(input))).toMatchObject({ title: null, content: '{"a":"<b>"}', format: 'text' });
  });
});

describe('Markdown of a page', () => {
  const BASE = 'https://example.com/docs/page';
  it.each([
    ['<a href="../up?a=1&amp;b">Up <i>there</i></a>', '[Up *there*](https://example.com/up?a=1&b)'],
    ['<a href="javascript:alert(1)">click</a>', 'click'],
    ['<p>1 &lt;script&gt; * [x]</p>', '1 \\<script> \\* \\[x\\]'],
    ['<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>', '1. a\n  - b\n2. c'],
    [
      '<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>',
      '| A | B |\n| --- | --- |\n| 1 | 2 |',
    ],
    ['<p>x</p><pre>a\n  b</pre><p>y</p>', 'x\n\n```\na\n  b\n```\n\ny'],
    ['<img src="/a b.png" alt="A [pic]"><hr>z', '![A pic](https://example.com/a%20b.png)\n\n---\n\nz'],
    ['<pre>```\n&lt;b></pre>', "```\n'''\n<b>\n```"],
    ['İ<main>İ<title>x</title></main>', 'İx'],
  ])('%s', (html, markdown) => {
    expect(markdownOf(html, BASE)).toBe(markdown);
  });
});

describe('any page', () => {
  const piece = fc.constantFrom(
    ...[
      '<',
      '>',
      '<!--',
      '-->',
      '<script',
      '</script>',
      '<title>',
      '</nav>',
      '<nav>',
      '&#x;',
      '&amp;',
      'é"',
      '<a b=">">',
    ],
    ...['<a href=', '</a>', '<pre>', '</pre>', '<li>', '<td>', '</tr>', '<b>', '</b>', '<img src=x alt="'],
  );
  const hostile = fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }).map((parts) => parts.join(''));

  it('is read to its end without an error, and no tag of it gets into the Markdown', () => {
    fc.assert(
      fc.property(hostile, (page) => {
        expect(typeof textOf(page)).toBe('string');
        expect(markdownOf(page, 'https://example.com/').replace(/```[\s\S]*?(```|$)/g, '')).not.toMatch(
          /(?<!\\)<[a-z]/i,
        );
        titleOf(page);
      }),
      { numRuns: 500 },
    );
  });

  it('is read once, however deep it is nested and however often it is left open', () => {
    const open = [
      '<div>',
      '<',
      '<!--',
      '<script>',
      '<nav>',
      '</nav>',
      '&amp',
      '<a href="',
      '<b><i>',
      '<ul><li>',
      '<a>',
      '<a b ',
    ];
    for (const each of [...open, '</script', '<form></nav>', '<td>', '<!', '<a href="x" ', "<a '"]) {
      const page = each.repeat(50_000);
      expect(typeof textOf(page)).toBe('string');
      expect(typeof markdownOf(page, 'https://example.com/')).toBe('string');
    }
  });
});
