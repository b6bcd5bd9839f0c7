import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../model/error.ts';
import { isPublicAddress, isURLSafe, validateURL } from './address-rules.ts';

const REFUSED = [
  // every range of the security page, at its edges
  'http://127.0.0.1',
  'http://127.255.255.254/x',
  'http://10.0.0.1',
  'http://10.255.255.255',
  'http://172.16.0.1',
  'http://172.31.255.255',
  'http://192.168.0.1',
  'http://169.254.169.254/latest/meta-data/',
  'http://0.0.0.0',
  'http://0.1.2.3',
  'http://[::1]',
  'http://[::]',
  'http://[fc00::1]',
  'http://[fdff::1]',
  'http://[fe80::1]',
  'http://[febf::1]',
  'http://localhost',
  'http://localhost:8080',
  'http://LOCALHOST',
  'http://printer.local',
  'http://metadata.google.internal',
  'http://a.b.internal/x',
  'http://app.localhost',
  // further ranges that are nobody's public host
  'http://100.64.0.1',
  'http://100.100.100.200',
  'http://192.0.0.192',
  'http://192.0.2.1',
  'http://198.18.0.1',
  'http://198.51.100.1',
  'http://203.0.113.1',
  'http://224.0.0.1',
  'http://240.0.0.1',
  'http://255.255.255.255',
  'http://168.63.129.16',
  // other spellings of the same addresses
  'http://2130706433',
  'http://0x7f000001',
  'http://0x7f.1',
  'http://0177.0.0.1',
  'http://127.1',
  'http://127.0.1',
  'http://%31%32%37.0.0.1',
  'http://127。0。0。1',
  'http://①②⑦.⓪.⓪.①',
  'http://0',
  'http://127.0.0.1.',
  'http://127.0.0.1:80@127.0.0.1',
  // IPv4 inside IPv6
  'http://[::ffff:127.0.0.1]',
  'http://[::ffff:7f00:1]',
  'http://[::ffff:a9fe:a9fe]',
  'http://[::7f00:1]',
  'http://[64:ff9b::7f00:1]',
  'http://[64:ff9b::169.254.169.254]',
  'http://[64:ff9b:1::808:808]',
  'http://[2002:7f00:1::]',
  'http://[2001:0:7f00:1::]',
  'http://[::ffff:0:7f00:1]',
  'http://[fec0::1]',
  'http://[ff02::1]',
  'http://[2001:db8::1]',
  'http://[3fff::1]',
  'http://[100::1]',
  'http://[fd00:ec2::254]',
  'http://[4000::1]',
  // names that lead inside
  'http://localhost.',
  'http://localhost..',
  'http://metadata.google.internal.',
  'http://printer.local.',
  'http://local',
  'http://internal',
  'http://postgres:5432',
  'http://router.lan',
  'http://host.localdomain',
  'http://nas.home.arpa',
  // not HTTP, or credentials in the URL
  'ftp://example.com',
  'file:///etc/passwd',
  'gopher://example.com',
  'data:text/plain,x',
  'javascript:alert(1)',
  'ws://example.com',
  'http://user:pass@example.com',
  'http://user@example.com',
  'https://example.com@10.0.0.1/',
  // no URL
  'example.com',
  '//example.com',
  'http://',
  'http://999.1.1.1',
  'http://[fe80::1%25eth0]/',
  '',
];

const ALLOWED = [
  'https://example.com',
  'http://example.com:8080/path?q=1#f',
  'https://example.com./',
  'https://fcbarcelona.com',
  'https://fdic.gov',
  'https://feature.example.com',
  'https://february.io',
  'https://fe80.com',
  'https://fc00.net',
  'https://ffmpeg.org',
  'https://localhost.example.com',
  'https://local.example.com',
  'https://internal.example.com',
  'https://notlocal.com',
  'https://mylocalhost.dev',
  'https://10.example.com',
  'https://127.0.0.1.example.com',
  'https://xn--bcher-kva.example',
  'https://bücher.example',
  'http://8.8.8.8',
  'http://1.1.1.1',
  'http://172.15.255.255',
  'http://172.32.0.1',
  'http://192.167.1.1',
  'http://192.169.1.1',
  'http://11.0.0.1',
  'http://126.255.255.255',
  'http://128.0.0.1',
  'http://169.253.1.1',
  'http://100.63.0.1',
  'http://100.128.0.1',
  'http://198.17.0.1',
  'http://198.20.0.1',
  'http://223.255.255.255',
  'http://134744072',
  'http://[2606:4700:4700::1111]',
  'http://[2001:4860:4860::8888]',
  'http://[2a00:1450::1]',
  'http://[::ffff:8.8.8.8]',
  'http://[64:ff9b::8.8.8.8]',
];

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
    expect(String(refusal())).toMatch(/SSRF protection.*10\.1\.2\.3.*operator/);
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
