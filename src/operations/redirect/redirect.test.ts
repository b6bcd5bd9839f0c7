import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { openBench } from '../testing/operation-context.ts';
import { redirect } from './redirect.ts';

const bench = openBench();
afterAll(() => bench.close());

const run = async (input: JsonObject, config: JsonObject = {}) => redirect.run(bench.context(input, config));
const URL_A = 'https://example.com/a';

describe('redirect', () => {
  it('makes a short link and resolves it', async () => {
    const made = await run({ action: 'create', url: URL_A, slug: 'docs', metadata: { by: 'me' } });
    expect(made).toMatchObject({ success: true, slug: 'docs', path: '/go/docs', type: 'permanent', statusCode: 302 });
    expect(await run({ slug: 'docs' })).toMatchObject({ success: true, url: URL_A, metadata: { by: 'me' } });
    expect(await run({ action: 'update', slug: 'docs', url: 'https://example.com/b', statusCode: 301 })).toMatchObject({
      success: true,
      url: 'https://example.com/b',
    });
    expect(await run({ action: 'get', slug: 'docs' })).toMatchObject({ statusCode: 301 });
    expect(await run({ action: 'list', prefix: 'do' })).toEqual({ success: true, slugs: ['docs'], cursor: null });
    expect(await run({ action: 'delete', slug: 'docs' })).toEqual({ success: true, slug: 'docs' });
    expect(await run({ slug: 'docs' })).toEqual({ success: false, error: 'not_found' });
  });

  it('makes slugs of its own, as long and of such letters as told', async () => {
    const config = { slugLength: 12, slugAlphabet: 'abcdefghij', basePath: '/s/', defaultStatusCode: 307 };
    const made = await run({ action: 'create', url: URL_A }, config);
    expect(made).toMatchObject({ slug: expect.stringMatching(/^[a-j]{12}$/), statusCode: 307 });
    expect(made).toMatchObject({ path: expect.stringMatching(/^\/s\/[a-j]{12}$/) });
  });

  it('takes http and https targets only, without credentials', async () => {
    for (const url of [
      'javascript:alert(1)',
      'data:text/html,x',
      'ftp://example.com',
      'https://u:p@example.com',
      '',
      'x',
    ]) {
      expect(await run({ action: 'create', url })).toEqual({ success: false, error: 'invalid_url' });
    }
    for (const slug of ['', '-a', 'a/b', '../x', 'a b', 'x'.repeat(65)]) {
      expect(await run({ action: 'create', url: URL_A, slug })).toEqual({ success: false, error: 'invalid_slug' });
    }
  });

  it('gives a slug to one of many who want it at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, n) => run({ action: 'create', url: `https://example.com/${n}`, slug: 'wanted' })),
    );
    expect(made.filter(succeeded)).toHaveLength(1);
    expect(made.filter((answer) => !succeeded(answer))).toEqual(
      Array.from({ length: 19 }, () => ({ success: false, error: 'slug_taken' })),
    );
  });

  it('lets a link for one use be used once, however many follow it at once', async () => {
    await run({ action: 'create', url: URL_A, slug: 'once', type: 'single-use' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => run({ slug: 'once' })));
    expect(answers.filter(succeeded)).toHaveLength(1);
    expect(await run({ slug: 'once' })).toEqual({ success: false, error: 'already_used' });
  });

  it('says so when a link has run out', async () => {
    expect(await run({ action: 'create', url: URL_A, slug: 'never', type: 'expiring' })).toEqual({
      success: false,
      error: 'invalid_expiry',
    });
    expect(await run({ action: 'create', url: URL_A, slug: 'brief', expiresIn: 60 })).toMatchObject({
      type: 'expiring',
    });
    expect(await run({ slug: 'brief' })).toMatchObject({ success: true });
    bench.clock.moveMs(60_001);
    expect(await run({ slug: 'brief' })).toEqual({ success: false, error: 'expired' });
  });
});

function succeeded(answer: JsonValue): boolean {
  return typeof answer === 'object' && answer !== null && !Array.isArray(answer) && answer.success === true;
}
