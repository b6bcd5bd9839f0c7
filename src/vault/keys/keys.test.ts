// Key texts, placeholders, endpoint rules, lifetimes: the pure parts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileSpelling } from '../../expressions/spelling.ts';
import { Json, type JsonObject } from '../../model/json.ts';
import { fromBase64url, toBase64url } from './base64url.ts';
import { endpointRules, parseEndpoint } from './endpoint-rules.ts';
import { type KeyClaims, keyTexts } from './key-text.ts';
import { parseInstant, parseLifetime } from './lifetime.ts';
import { deriveKeys } from './master-keys.ts';
import { placeholders } from './placeholders.ts';

const MASTER = deriveKeys(new Uint8Array(32).fill(1));
const texts = keyTexts(MASTER.keyMac);
const CLAIMS: KeyClaims = { keyId: 'vk_0123456789abcdef', task: null };

describe('key texts', () => {
  test('carry their claims, whatever the reference name', () => {
    const task = fc.record({
      runId: fc.uuid(),
      attempt: fc.nat(1000),
      ref: fc.string({ maxLength: 200, unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(fc.option(task), (scope) => {
        const claims = { keyId: CLAIMS.keyId, task: scope };
        const text = texts.write(claims);
        expect(text).toMatch(/^vault_key_[A-Za-z0-9_-]+$/);
        expect(texts.read(text)).toEqual(claims);
        expect(texts.write(claims)).toBe(text);
      }),
    );
  });

  test('verify to the last character, under one master key only', () => {
    const text = texts.write({ ...CLAIMS, task: { runId: 'r', attempt: 1, ref: 'a' } });
    for (let i = 0; i < text.length; i += 1) {
      const other = text[i] === 'A' ? 'B' : 'A';
      expect(texts.read(text.slice(0, i) + other + text.slice(i + 1))).toBeNull();
    }
    for (const changed of [`${text}A`, text.slice(0, -1), '', 'vault_key_', ` ${text}`])
      expect(texts.read(changed)).toBeNull();
    expect(keyTexts(deriveKeys(new Uint8Array(32).fill(2)).keyMac).read(text)).toBeNull();
  });

  test('a reference name that does not fit gives the key without its task', () => {
    expect(texts.read(texts.write({ ...CLAIMS, task: { runId: 'r', attempt: 0, ref: 'x'.repeat(5000) } }))).toEqual(
      CLAIMS,
    );
  });

  test('are found inside any text', () => {
    const text = texts.write(CLAIMS);
    const replaced = texts.replace(`a${text}b vault_key_${text}${text}, vault_key_no`, ({ keyId }) => `<${keyId}>`);
    expect(replaced).toBe(`a<${CLAIMS.keyId}>b vault_key_<${CLAIMS.keyId}><${CLAIMS.keyId}>, vault_key_no`);
  });

  test('a master key of another length is refused', () => {
    expect(() => deriveKeys(new Uint8Array(16))).toThrow('exactly 32');
  });

  test('base64url has one spelling per bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64url(toBase64url(bytes))).toEqual(new Uint8Array(bytes));
      }),
    );
    for (const text of ['A', 'AB', 'AA=', 'A+', '=']) expect(fromBase64url(text)).toBeUndefined();
  });
});

describe('placeholders', () => {
  const documents = placeholders(texts, MASTER.placeholderMac);
  const key = texts.write({ ...CLAIMS, task: { runId: 'r', attempt: 3, ref: 'a' } });
  const fill = (input: Json, root: string, spelled?: JsonObject) =>
    documents.fill(
      input,
      root,
      spelled ? compileSpelling(spelled) : null,
      (vendor) => (vendor === 'stripe' ? 'vk_stripe' : undefined),
      (id) => `KEY(${id})`,
    );

  test('K22: a key of ours never stays in a document, and comes back only for its own run', () => {
    const concealed = documents.conceal(Json.of({ a: [key, `Bearer ${key}!`], [key]: 1 }), 'root-1');
    expect(concealed.text).not.toContain('vault_key_');
    expect(fill(concealed, 'root-1').value).toEqual({
      a: [`KEY(${CLAIMS.keyId})`, `Bearer KEY(${CLAIMS.keyId})!`],
      [`KEY(${CLAIMS.keyId})`]: 1,
    });
    expect(fill(concealed, 'root-2')).toBe(concealed);
    expect(documents.concealText(`log ${key}`, 'root-1')).not.toContain('vault_key_');
  });

  test('K22: spelling a key with escapes does not hide it', () => {
    const escaped = Json.text(`{"a":"${key.replaceAll('_', '\\u005f')}"}`);
    expect(documents.conceal(escaped, 'root').text).toContain('${vault.');
    const harmless = Json.text('{"a":"\\u0001"}');
    expect(documents.conceal(harmless, 'root')).toBe(harmless);
  });

  test('what is not a key of ours stays as it is, and the very same object', () => {
    for (const value of ['vault_key_', 'vault_key_xxx', key.slice(0, -1), 'nothing']) {
      const document = Json.of({ value });
      expect(documents.conceal(document, 'root')).toBe(document);
      expect(fill(document, 'root')).toBe(document);
    }
  });

  test('a literal of the definition is filled for the vendor it names', () => {
    const literal = '${workflow.vault.stripe.key}';
    const other = '${workflow.vault.twilio.key}';
    const input = Json.of({ key: `a ${literal}`, other, input: '${workflow.input.x}' });
    expect(fill(input, 'root', { key: `a ${literal}`, other }).value).toEqual({
      ...input.object,
      key: 'a KEY(vk_stripe)',
    });
    expect(fill(input, 'root')).toBe(input);
    expect(fill(input, 'root', { other })).toBe(input);
  });
});

describe('endpoint rules', () => {
  const call = (method: string, path: string, operation = '') => ({ method, path, operation });

  test.each([
    ['POST /v1/payment_intents', call('POST', '/v1/payment_intents'), true],
    ['post /v1/payment_intents', call('POST', '/v1/payment_intents'), true],
    ['POST /v1/payment_intents', call('GET', '/v1/payment_intents'), false],
    ['POST /v1/payment_intents', call('POST', '/v1/payment_intents/pi_1'), false],
    ['GET /v1/charges/{id}', call('GET', '/v1/charges/ch_1'), true],
    ['GET /v1/charges/*', call('GET', '/v1/charges/ch_1/x'), false],
    ['HEAD /v1/charges', call('GET', '/v1/charges'), true],
    ['/v1/charges', call('DELETE', '/v1/charges'), true],
    ['/v1/charges', call('POST', '/v1/chargesx'), false],
    ['charges.create', call('POST', '/v1/charges', 'charges.create'), true],
    ['charges.*', call('GET', '/v1/charges', 'charges.list'), true],
    ['charges.*', call('GET', '/v1/x', 'chargesx.list'), false],
    ['*', call('POST', '/v1/x', 'x.create'), true],
  ])('%s against %j: %s', (notation, endpoint, allowed) => {
    expect(endpointRules([notation])(endpoint)).toBe(allowed);
  });

  test('no rules allow nothing', () => {
    expect(endpointRules([])(call('GET', '/v1/charges', 'charges.list'))).toBe(false);
  });

  test.each(['', 'charges', 'FETCH /v1/x', 'POST v1/x', 'POST /v1/x /y', '**'])('%j is no notation', (notation) => {
    expect(parseEndpoint(notation)).toBeUndefined();
  });
});

test('lifetimes', () => {
  expect(['90s', '30m', '2h', '7d', '30d'].map(parseLifetime)).toEqual([
    90_000, 1_800_000, 7_200_000, 604_800_000, 2_592_000_000,
  ]);
  for (const text of ['', '0s', '31d', '2', 'h', '-2h', '1.5h', '2 weeks']) expect(parseLifetime(text)).toBeUndefined();
  expect(parseInstant('2030-01-31T12:00:00Z')).toBe(Date.UTC(2030, 0, 31, 12));
  expect(parseInstant('2030-01-31T12:00:00+02:00')).toBe(Date.UTC(2030, 0, 31, 10));
  for (const text of ['2030-01-31', '2030-13-31T12:00:00Z', 'tomorrow']) expect(parseInstant(text)).toBeUndefined();
});
