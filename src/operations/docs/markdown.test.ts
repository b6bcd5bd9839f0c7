import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTags } from './docs.fixture.ts';
import { linkTarget } from './link-target.ts';
import { markdownText, renderMarkdown } from './markdown.ts';

const ATTACKS = [
  '<script>alert(1)</script>',
  'text <script>alert(1)</script> text',
  '<ScRiPt src=//evil.example/x.js></sCrIpT>',
  '<img src=x onerror=alert(1)>',
  'inline <img src=x onerror="alert(1)"> image',
  '<svg/onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<a href="javascript:alert(1)">x</a>',
  '<details open ontoggle=alert(1)>',
  '<style>*{background:url(//evil.example)}</style>',
  '<base href="//evil.example/">',
  '<pre>&lt;script&gt;</pre> <code><img src=x onerror=alert(1)></code>',
  '<pre>`<script>alert(1)</script>`',
  '<!-- comment --><script>alert(1)</script><!-- -->',
  '<!-- --!><img src=x onerror=alert(1)>-->',
  '<!--><img src=x onerror=alert(1)>-->',
  '<br onclick=alert(1)>',
  '<br/><script>alert(1)</script>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](<java\nscript:alert(1)>)',
  '[x](&#106;avascript:alert(1))',
  '[x](javascript&colon;alert(1))',
  '[x](javascript&#x3A;alert(1))',
  '[x](\u0001javascript:alert(1))',
  '[x](vbscript:msgbox(1))',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](file:///etc/passwd)',
  '[x](//evil.example)',
  '[x](/\\evil.example)',
  '[x](https://a.example "t\\" onmouseover=\\"alert(1)")',
  '[x](https://a.example \'a" onmouseover="alert(1)\')',
  '[x](https://a.example/"onmouseover="alert(1))',
  '![x](javascript:alert(1))',
  '![x](data:image/svg+xml;base64,PHN2Zy8+)',
  '![x" onerror="alert(1)](/a.png)',
  '![x](https://tracker.example/a.png)',
  '![x](//tracker.example/a.png)',
  '<javascript:alert(1)>',
  '[x]: javascript:alert(1)\n\n[x]',
  '```"><script>alert(1)</script>\ncode\n```',
  '```js" onmouseover="alert(1)\ncode\n```',
  '`<script>alert(1)</script>`',
  '# <img src=x onerror=alert(1)>',
  '# a" onclick="alert(1)',
  '| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |',
  '- [ ] <script>alert(1)</script>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;script&#62;alert(1)',
];

const TAGS = /^(h[1-6]|p|a|img|strong|em|del|code|pre|ul|ol|li|input|blockquote|hr|br|div|table|thead|tbody|tr|th|td)$/;
const ATTRIBUTES: Readonly<Record<string, RegExp>> = {
  id: /^[\p{L}\p{N}_-]+$/u,
  href: /^(https?:|mailto:|#|\/(?![/\\])|[^:/\\]*([/?#]|$))/,
  src: /^(?!\/\/|\/\\|[^/?#]*:)/,
  alt: /^/,
  title: /^/,
  loading: /^lazy$/,
  rel: /^noopener noreferrer$/,
  class: /^(wide|language-[\w+#.-]+)$/,
  tabindex: /^0$/,
  type: /^checkbox$/,
  disabled: /^$/,
  checked: /^$/,
  start: /^\d+$/,
};

function expectHarmless(markdown: string): void {
  for (const { name, attributes } of readTags(renderMarkdown(markdown).html)) {
    expect(name).toMatch(TAGS);
    for (const [key, value] of Object.entries(attributes)) expect(value).toMatch(ATTRIBUTES[key] ?? `no ${key} here`);
  }
}

describe('Markdown of a page', () => {
  it.each(ATTACKS)('makes nothing of %j that a browser would run or load', expectHarmless);

  it('makes nothing harmful of attacks glued together in any way', () => {
    const piece = fc.oneof(
      fc.constantFrom(...ATTACKS),
      fc.constantFrom(
        '\n',
        '\n\n',
        ' ',
        '`',
        '```',
        '<',
        '>',
        '"',
        "'",
        '[',
        '](',
        ')',
        '!',
        '|',
        '<!--',
        '-->',
        '&',
        '*',
        '\\',
        '<br>',
      ),
      fc.string({ maxLength: 6 }),
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    fc.assert(fc.property(text, expectHarmless), { numRuns: 1500 });
  });

  it('shows raw HTML as the text it is, and leaves comments out', () => {
    const { html } = renderMarkdown('a <b>bold</b> <!-- hidden --> c\n\n<!-- a\n\nblock -->\n\n<div>x</div>');
    expect(html).toContain('&lt;b&gt;bold&lt;/b&gt;');
    expect(html).toContain('&lt;div&gt;x&lt;/div&gt;');
    expect(html).not.toMatch(/hidden|block/);
  });

  it('keeps what Markdown is for', () => {
    const { html } = renderMarkdown(
      '**b** *i* ~~d~~ `c < d`\n\n1. one\n2. two\n\n> quote\n\n| a | b |\n|---|---|\n| 1<br>2 | x \\| y |\n\n- [x] done\n\n```ts\nif (a < b) {}\n```\n\n[out](https://a.example/?x=1&amp;y=2 "T") https://b.example/?p=1&q=2 <me@a.example> [here](#there) ![pic](/p.png)',
    );
    readTags(html);
    for (const part of [
      '<strong>b</strong> <em>i</em> <del>d</del> <code>c &#60; d</code>',
      '<ol>\n<li>one</li>',
      '<blockquote>',
      '<td>1<br>2</td><td>x | y</td>',
      '<input type="checkbox" disabled checked> done',
      '<pre tabindex="0"><code class="language-ts">if (a &#60; b) {}\n</code></pre>',
      '<a href="https://a.example/?x=1&#38;y=2" title="T" rel="noopener noreferrer">out</a>',
      '<a href="https://b.example/?p=1&#38;q=2" rel="noopener noreferrer">',
      '<a href="mailto:me@a.example">me@a.example</a>',
      '<a href="#there">here</a>',
      '<img src="/p.png" alt="pic" loading="lazy">',
    ])
      expect(html).toContain(part);
  });

  it('gives every heading an id of its own, also where texts repeat or already look numbered', () => {
    const { html, headings } = renderMarkdown('# A & `b`\n## Two\n## Two\n## Two 2\n### Größe!\n## ***\n## !!!');
    expect(headings.map(({ id }) => id)).toEqual(['a-b', 'two', 'two-2', 'two-2-2', 'größe', 'section', 'section-2']);
    expect(headings[0]).toEqual({ id: 'a-b', depth: 1, text: 'A & b' });
    for (const { id } of headings) expect(html).toContain(`id="${id}"`);
  });
});

describe('a link', () => {
  it.each([
    'https://a.example/x',
    'http://a.example',
    'mailto:a@b.example',
    '/x',
    'x/y.html',
    '#a',
    '?q=1',
    '../a:b/c',
  ])('may lead to %s', (address) => expect(linkTarget(address)).toBe(address));
  it.each([
    '',
    '//a.example',
    '\\\\a.example',
    'javascript:1',
    'ftp://a.example',
    'blob:x',
    'a:b',
    ' \u0000javascript:1',
  ])('never leads to %j', (address) => expect(linkTarget(address)).toBeUndefined());
});

describe('the words of a page', () => {
  it('are what a reader sees, without a mark, a comment or the page’s own heading', () => {
    const page = `# Title

Some **bold**, *slanted*, _also_ and ~~struck~~ text with \`code_in_it\`, \\*no list\\*, 2 * 3 and a [link](./other.md "t").

<!-- not
said -->
## Setup
1. First
2. Second with ![a picture](x.png)
   - [x] nested

> Quoted & <b>as text</b> &lt;here&gt;

| Key | Value |
|---|:--|
| \`a\` | **1** |

\`\`\`sh
npm run dev # starts
\`\`\`
---
The\\
end
`;
    expect(markdownText(page)).toBe(
      'Some bold, slanted, also and struck text with code_in_it, *no list*, 2 * 3 and a link. Setup First Second with ' +
        'a picture nested Quoted & <b>as text</b> <here> Key Value a 1 npm run dev # starts The end',
    );
  });

  it('are made of any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void markdownText(text)));
    for (const attack of ATTACKS) expect(typeof markdownText(attack)).toBe('string');
  });
});
