// The proxy reads strictly: whatever could be understood in two ways is refused, and what passes is canonical.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stripe } from '../vendors/stripe/stripe.ts';
import { ownsPath, readAddress } from './address.ts';
import { readCredential } from './credential.ts';
import { readForm } from './form.ts';
import { readHeaders } from './header-set.ts';
import { readCall } from './read-call.ts';
import { Refusal } from './refusal.ts';
import { scrubStream, scrubText } from './scrub.ts';

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe('paths', () => {
  test.each([
    ['/stripe/v1/charges', '/v1/charges'],
    ['/stripe/v1/v1/charges', '/v1/charges'],
    ['/v1/charges/ch_1', '/v1/charges/ch_1'],
    ['/v1/%63harges', '/v1/charges'],
    ['/v1/charges?limit=1', '/v1/charges'],
  ])('%s is %s', (target, path) => {
    expect(readAddress([stripe], target).path).toBe(path);
  });

  test.each([
    '/stripe/v1/../v1/charges',
    '/stripe/v1/charges/..',
    '/v1//charges',
    '//v1/charges',
    '/v1/charges/',
    '/v1/charges%2fch_1',
    '/v1/charges%2Fch_1',
    '/v1/charges%5cch_1',
    '/v1/charges\\ch_1',
    '/v1/charges%00',
    '/v1/charges;a=b',
    '/v1/chargés',
    '/v1/charg%C3%A9s',
    '/v1/%2e%2e/charges',
    '/v1/charges/%2e',
    '/v1/char%252fges',
    '/v1/charges%',
    '/v1/charges#x',
    'http://evil.test/v1/charges',
    '/v1/charges ',
    '/v1/charges\t',
    '',
  ])('refuses %j', (target) => {
    expect(codeOf(() => readAddress([stripe], target))).toBe('malformed_request');
  });

  test.each(['/stripe', '/stripe/v2/core/accounts', '/v1', '/other/v1/charges', '/oauth/token'])(
    'does not know %s',
    (target) => {
      expect(codeOf(() => readAddress([stripe], target))).toBe('not_found');
    },
  );

  test('the control routes at /v1/keys are not the proxy', () => {
    expect(
      ['/v1/keys', '/v1/keys/vk_1', '/api/tasks', '/vault/keys', '/'].map((path) => ownsPath([stripe], path)),
    ).toEqual(Array(5).fill(false));
    expect(
      ['/v1/charges', '/v1/keysets', '/stripe/v1/keys', '/stripe'].map((path) => ownsPath([stripe], path)),
    ).toEqual(Array(4).fill(true));
  });
});

describe('forms', () => {
  test.each([
    ['amount=50&currency=usd', 'amount=50&currency=usd'],
    ['amo%75nt=50', 'amount=50'],
    ['a[b][0]=x+y&a[b][1]=%26', 'a[b][0]=x%20y&a[b][1]=%26'],
    ['expand%5B%5D=a&expand[]=b', 'expand[]=a&expand[]=b'],
    ['metadata[0]=a&metadata[name]=b', 'metadata[0]=a&metadata[name]=b'],
    ['description=', 'description='],
    ['', ''],
  ])('%j is %j', (text, canonical) => {
    expect(readForm(text, 'body').canonical).toBe(canonical);
  });

  test.each([
    'amount=1&amount=999999',
    'amount=1&amount[]=2',
    'amount[]=2&amount=1',
    'amount=1&amount[0]=2',
    'amount[0]=1&amount[]=2',
    'amount=1&amo%75nt=2',
    'a[b]=1&a[b]=2',
    'a[b]=1&a[b][c]=2',
    'amount',
    '=1',
    'a=1&&b=2',
    '&a=1',
    'a=1&',
    'amount[=1',
    'amount]=1',
    'amount[a]b=1',
    'amount[[a]]=1',
    'a=%',
    'a=%zz',
    'a=%ff',
    'a=%00',
    'a%00=1',
    '_method=DELETE',
    `a${'[b]'.repeat(20)}=1`,
    Array(1002).fill('a[]=1').join('&'),
    ' amount=1',
    '\uFEFFamount=1',
  ])('refuses %j', (text) => {
    expect(codeOf(() => readForm(text, 'body'))).toBe('malformed_request');
  });

  test('the canonical form reads as itself, and as what any other reader takes it for', () => {
    const word = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(...'abcxyz019&=+%[]é €'.split('')) });
    const key = fc.stringMatching(/^[a-z][a-z_]{0,5}$/).filter((name) => name !== '_method');
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(key, word), { selector: ([name]) => name, maxLength: 8 }), (pairs) => {
        const text = new URLSearchParams(pairs).toString();
        const form = readForm(text, 'body');
        expect(readForm(form.canonical, 'body').canonical).toBe(form.canonical);
        expect([...new URLSearchParams(form.canonical)]).toEqual(pairs);
        for (const [name, value] of pairs) expect(form.get(name)).toBe(value);
      }),
    );
  });

  test('a value behind brackets is never taken for the scalar', () => {
    expect(readForm('amount[]=5', 'body').get('amount')).toBeUndefined();
    expect(readForm('amount[]=5', 'body').has('amount')).toBe(true);
  });
});

describe('headers', () => {
  const single = (name: string) => name === 'stripe-account';

  test.each([
    [['Authorization', 'Bearer a', 'authorization', 'Bearer b']],
    [['Idempotency-Key', 'a', 'Idempotency-Key', 'a']],
    [['Stripe-Account', 'a', 'Stripe-Account', 'b']],
    [['Content-Length', '1', 'Content-Length', '2']],
    [['Content-Length', '1', 'Transfer-Encoding', 'chunked']],
    [['X-HTTP-Method-Override', 'DELETE']],
    [['X-Method-Override', 'DELETE']],
    [['Content-Encoding', 'gzip']],
    [['Host', 'a', 'Host', 'b']],
    [Array(101).fill(['x', 'y']).flat()],
  ])('refuses %j', (headers) => {
    expect(codeOf(() => readHeaders(headers, single))).toBe('malformed_request');
  });

  test('gives the first value by its lower-case name', () => {
    const header = readHeaders(
      ['X-Agent-Run-Id', 'run', 'Accept', 'a', 'Accept', 'b', 'Content-Encoding', 'identity'],
      single,
    );
    expect([header('x-agent-run-id'), header('accept'), header('cookie')]).toEqual(['run', 'a', undefined]);
  });

  test.each([
    ['Bearer vault_key_abc', 'vault_key_abc'],
    ['bearer vault_key_abc', 'vault_key_abc'],
    [`Basic ${btoa('vault_key_abc:')}`, 'vault_key_abc'],
    [`Basic ${btoa('AC123:vault_key_abc')}`, 'vault_key_abc'],
    [`Basic ${btoa('vault_key_abc:vault_key_def')}`, undefined],
    ['Bearer cnd_live_abc', undefined],
    ['Bearer vault_key_a, Bearer vault_key_b', undefined],
    ['Basic !!!', undefined],
    [undefined, undefined],
  ])('reads %j as %j', (header, key) => {
    expect(readCredential(header)).toBe(key);
  });
});

describe('calls', () => {
  const read = (
    method: string,
    target: string,
    body: string | Uint8Array = '',
    type = 'application/x-www-form-urlencoded',
  ) => {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    return readCall({ method, target, rawHeaders: ['content-type', type], body: bytes }, [stripe], 1000).call;
  };

  test.each([
    ['POST', '/v1/charges?amount=1', 'amount=2', undefined],
    ['POST', '/v1/charges', '{"amount":1}', 'application/json'],
    ['POST', '/v1/files', 'x', 'multipart/form-data; boundary=x'],
    ['POST', '/v1/charges', 'amount=1', 'text/plain'],
    ['POST', '/v1/charges', 'amount=1', 'application/x-www-form-urlencoded; charset=utf-16'],
    ['POST', '/v1/charges', `a=${'x'.repeat(1000)}`, undefined],
    ['POST', '/v1/charges', new Uint8Array([97, 61, 255]), undefined],
    ['POST', '/v1/charges', new Uint8Array([0xef, 0xbb, 0xbf, 97, 61, 49]), undefined],
    ['GET', '/v1/charges', 'limit=1', undefined],
    ['GET', '/v1/charges?_method=POST', '', undefined],
    ['PUT', '/v1/charges', '', undefined],
    ['PATCH', '/v1/charges', '', undefined],
    ['TRACE', '/v1/charges', '', undefined],
    ['post', '/v1/charges', 'amount=1', undefined],
  ])('refuses %s %s with %j as %s', (method, target, body, type) => {
    expect(codeOf(() => read(method, target, body, type))).toBe('malformed_request');
  });

  test('reads a POST and a GET', () => {
    expect(read('POST', '/stripe/v1/charges', 'amount=1')).toMatchObject({
      path: '/v1/charges',
      operation: 'charges.create',
    });
    expect(read('GET', '/v1/charges?limit=3').params.canonical).toBe('limit=3');
    expect(read('HEAD', '/v1/charges').operation).toBe('charges.list');
  });
});

describe('scrubbing', () => {
  const SECRET = 'sk_test_12345678';

  test('finds the secret however a stream is cut', async () => {
    const text = `a ${SECRET} b ${SECRET}${SECRET} sk_test_1234567 sk_test_`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), async (sizes) => {
        const bytes = new TextEncoder().encode(text);
        const out: Uint8Array[] = [];
        for await (const chunk of scrubStream(pieces(bytes, sizes), SECRET)) out.push(chunk);
        expect(Buffer.concat(out).toString()).toBe(scrubText(text, SECRET));
      }),
    );
    expect(scrubText(text, SECRET)).toBe('a [removed] b [removed][removed] sk_test_1234567 sk_test_');
  });

  async function* pieces(bytes: Uint8Array, sizes: readonly number[]) {
    let at = 0;
    for (let i = 0; at < bytes.length; i += 1) {
      const size = sizes[i % sizes.length] ?? 1;
      yield bytes.subarray(at, at + size);
      at += size;
    }
  }
});
