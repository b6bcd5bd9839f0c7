import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../model/error.ts';
import { isPublicAddress, isURLSafe, validateURL } from './address-rules.ts';
import { ALLOWED, REFUSED } from './ssrf-corpus.fixture.ts';

describe('URLs that lead inside are refused', () => {
  it.each(REFUSED)('%s', (url) => {
    expect(() => validateURL(url)).toThrow(AppError);
    expect(isURLSafe(url)).toBe(false);
  });

  it('with a code and a way out', () => {
    const refusal = (): unknown => {
      try {
        return validateURL('http://10.1.2.3/secret');
      } catch (error) {
        return error;
      }
    };
    expect(refusal()).toMatchObject({ code: 'egress_denied', status: 403 });
    expect(String(refusal())).toContain(
      'SSRF protection: Blocked request to private/internal address: 10.1.2.3. Use { allowInternalRequests: true } to bypass (not recommended).',
    );
  });
});

describe('public URLs pass', () => {
  it.each(ALLOWED)('%s', (url) => {
    expect(validateURL(url)).toBeInstanceOf(URL);
    expect(isURLSafe(url)).toBe(true);
  });
});

describe('allowInternal', () => {
  it('lets internal hosts pass, but neither other protocols nor credentials', () => {
    expect(validateURL('http://localhost:3000', true).port).toBe('3000');
    expect(() => validateURL('file:///etc/passwd', true)).toThrow(/protocol/);
    expect(() => validateURL('http://a:b@localhost', true)).toThrow(/Credentials/);
  });
});

describe('properties', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const privateV4 = fc.oneof(
    fc.tuple(fc.constantFrom(0, 10, 127), octet, octet, octet),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
    fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
    fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
    fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
  );

  it('no spelling of an internal IPv4 address passes', () => {
    fc.assert(
      fc.property(privateV4, ([a, b, c, d]) => {
        const number = ((a * 256 + b) * 256 + c) * 256 + d;
        const hex = number.toString(16).padStart(8, '0');
        const spellings = [
          `${a}.${b}.${c}.${d}`,
          `${a}.${b}.${c}.${d}.`,
          String(number),
          `0x${hex}`,
          `0${number.toString(8)}`,
          `0x${a.toString(16)}.${b}.${c * 256 + d}`,
          `[::ffff:${a}.${b}.${c}.${d}]`,
          `[::ffff:${hex.slice(0, 4)}:${hex.slice(4)}]`,
          `[64:ff9b::${hex.slice(0, 4)}:${hex.slice(4)}]`,
          `[2002:${hex.slice(0, 4)}:${hex.slice(4)}::1]`,
          `[::${hex.slice(0, 4)}:${hex.slice(4)}]`,
        ];
        for (const host of spellings) expect(isURLSafe(`http://${host}/`), host).toBe(false);
      }),
    );
  });

  it('never throws anything but AppError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl()), (text) => {
        isPublicAddress(text);
        try {
          validateURL(text);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
    );
  });
});
