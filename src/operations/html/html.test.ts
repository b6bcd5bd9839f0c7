import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { openBench } from '../testing/operation-context.ts';
import { html } from './html.ts';

const bench = openBench();
afterAll(() => bench.close());

const SCRIPT = `<script>alert("1")</script>' & x`;
const ESCAPED = /^&lt;script&gt;alert\(&(quot|#34);1&(quot|#34);\)&lt;\/script&gt;&#39; &amp; x$/;

async function render(config: JsonObject, input: JsonValue = {}): Promise<unknown> {
  const result = await html.run(bench.context(input, config));
  if (typeof result !== 'object' || result === null || Array.isArray(result)) throw new Error('no page');
  expect(result.contentType).toBe('text/html; charset=utf-8');
  return result.html;
}

describe.each(['simple', 'liquid'])('html with %s templates', (engine) => {
  it('escapes what it inserts', async () => {
    expect(await render({ template: '{{ name }}', engine }, { name: SCRIPT })).toMatch(ESCAPED);
    expect(await render({ template: { inline: '{{ a.b }}', engine } }, { a: { b: SCRIPT } })).toMatch(ESCAPED);
    expect(await render({ template: '{{ input.name }}', engine }, { name: SCRIPT })).toMatch(ESCAPED);
  });

  it('leaves it as it is for raw and safe alone', async () => {
    expect(await render({ template: '{{ name | raw }}|{{ name | safe }}', engine }, { name: '<b>' })).toBe('<b>|<b>');
  });

  it('never evaluates data', async () => {
    expect(await render({ template: '{{ name }}', engine }, { name: '{{ secret }}', secret: 'x' })).toBe(
      '{{ secret }}',
    );
  });

  it('sees own data only, config.data before input', async () => {
    const template = '{{ constructor.name }}{{ a.__proto__ }}{{ gone.far.away }}[{{ who }}]';
    expect(await render({ template, engine, data: { who: 'config' } }, { who: 'input', a: 'x' })).toBe('[config]');
  });

  it('lets no text through that opens a tag or ends an attribute', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (name) => {
        const page = await render({ template: '<p title="{{ name }}">', engine }, { name });
        expect(page).toMatch(/^<p title="[^<>"']*">$/);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a template', () => {
  it('is passed as written, so that no expression puts data into it unescaped', () => {
    expect(html.literal).toEqual(['template']);
  });
});

describe('liquid templates', () => {
  it('loop and choose', async () => {
    const template = '{% for n in list %}{% if n > 1 %}{{ n }},{% endif %}{% endfor %}';
    expect(await render({ template, engine: 'liquid' }, { list: [1, 2, 3] })).toBe('2,3,');
  });

  it('read no file and no other template', async () => {
    for (const tag of ['include', 'render', 'layout']) {
      const template = `{% ${tag} '/etc/passwd' %}`;
      await expect(render({ template, engine: 'liquid' })).rejects.toMatchObject({
        name: 'AgentError',
        retryable: false,
      });
    }
  });

  it('are stopped when they take too much', async () => {
    const template = '{% for a in (1..100000000) %}x{% endfor %}';
    await expect(render({ template, engine: 'liquid' })).rejects.toThrow(/limit/i);
  });

  it('that are wrong say so', async () => {
    await expect(render({ template: '{% if %}', engine: 'liquid' })).rejects.toThrow(/^The template: /);
  });
});
