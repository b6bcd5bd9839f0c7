import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NETWORKS } from '../model/geo-headers.ts';
import { createEdge } from './edge.ts';
import { createLocation } from './location.ts';
import type { RequestOrigin } from './visitor.ts';
import { createVisitorSource, type VisitorSourceOptions } from './visitor-source.ts';

type Headers = Readonly<Record<string, string>>;

function of(options: VisitorSourceOptions, headers: Headers, origin: RequestOrigin) {
  return createVisitorSource(options).of((name) => headers[name], origin);
}

const geoHeaders = NETWORKS;

const SPOOFED: Headers = {
  'cf-ipcountry': 'US',
  'cf-region-code': 'CA',
  'cf-timezone': 'America/Los_Angeles',
  'cf-connecting-ip': '1.1.1.1',
  'x-real-ip': '1.1.1.1',
  'true-client-ip': '1.1.1.1',
  forwarded: 'for=1.1.1.1',
  'x-vercel-ip-country': 'US',
  'cloudfront-viewer-country': 'US',
  'cloudfront-viewer-tls': 'TLSv1.3:AES:x',
  'fly-region': 'lax',
  'x-forwarded-for': '1.1.1.1',
  'x-forwarded-proto': 'https',
};

describe('trusted proxies', () => {
  it.each([
    ['nobody is trusted', {}, '127.0.0.1'],
    ['another is trusted', { trustedProxies: ['10.0.0.0/8'] }, '11.0.0.1'],
    ['the peer is a stranger', { trustedProxies: ['loopback', 'private'] }, '203.0.113.9'],
    ['an address of the other kind is trusted', { trustedProxies: ['0.0.0.0/0'] }, '2001:db8::1'],
  ])('no header of a stranger is believed when %s', (_name, options, peerAddress) => {
    expect(of({ ...options, geoHeaders }, SPOOFED, { peerAddress, httpVersion: '1.1' })).toEqual({
      ip: peerAddress,
      httpProtocol: 'HTTP/1.1',
    });
  });

  it('no header is believed without a peer', () => {
    expect(of({ trustedProxies: ['0.0.0.0/0', '::/0'], geoHeaders }, SPOOFED, {})).toEqual({});
  });

  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '::1'],
    ['loopback', '::ffff:127.0.0.1'],
    ['private', '10.1.2.3'],
    ['private', 'fd00::5'],
    ['private', 'fe80::1%eth0'],
    ['173.245.48.0/20', '173.245.50.1'],
    ['2400:cb00::/32', '2400:cb00:1::1'],
    ['192.0.2.7', '192.0.2.7'],
  ])('%s includes %s', (trusted, peerAddress) => {
    expect(of({ trustedProxies: [trusted], geoHeaders }, { 'cf-ipcountry': 'DE' }, { peerAddress }).country).toBe('DE');
  });

  it.each(['10.0.0.0/33', 'everybody', '', '10.0.0', 'private ', '1.2.3.4/x'])('"%s" is refused at start', (entry) => {
    expect(() => createVisitorSource({ trustedProxies: [entry] })).toThrow(/is no trusted proxy/);
  });
});

describe('X-Forwarded-For', () => {
  const trustedProxies = ['loopback', '10.0.0.0/8'];
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['1.1.1.1, 198.51.100.7', '198.51.100.7'],
    ['1.1.1.1, 198.51.100.7, 10.0.0.2, 10.0.0.3', '198.51.100.7'],
    ['10.0.0.9, 10.0.0.2', '10.0.0.9'],
    ['1.1.1.1, unknown, 10.0.0.2', '10.0.0.2'],
    ['1.1.1.1, 127.1, 10.0.0.2', '10.0.0.2'],
    ['198.51.100.7:4711', '198.51.100.7'],
    ['[2001:db8::7]:4711, 10.0.0.2', '2001:db8::7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['', '127.0.0.1'],
    ['nonsense', '127.0.0.1'],
    [`${'9.9.9.9,'.repeat(5_000)}198.51.100.7`, '198.51.100.7'],
    [`6.6.6.6,${'10.0.0.2,'.repeat(5_000)}10.0.0.3`, '10.0.0.2'],
  ])('%.60s leads to %s', (forwarded, ip) => {
    expect(of({ trustedProxies }, { 'x-forwarded-for': forwarded }, { peerAddress: '127.0.0.1' }).ip).toBe(ip);
  });
});

describe('headers of content networks', () => {
  const peer = { peerAddress: '127.0.0.1' };
  const trusted = { trustedProxies: ['loopback'], geoHeaders };

  it('Cloudflare', () => {
    const headers = {
      'cf-ipcountry': 'us',
      'cf-region': 'California',
      'cf-region-code': 'CA',
      'cf-ipcity': 'San José',
      'cf-iplatitude': '37.3',
      'cf-iplongitude': '-121.9',
      'cf-timezone': 'America/Los_Angeles',
      'cf-postal-code': '95112',
      'cf-ipcontinent': 'NA',
    };
    expect(of(trusted, headers, peer)).toEqual({
      ip: '127.0.0.1',
      country: 'US',
      continent: 'NA',
      region: 'California',
      regionCode: 'CA',
      city: 'San José',
      postalCode: '95112',
      latitude: 37.3,
      longitude: -121.9,
      timezone: 'America/Los_Angeles',
    });
  });

  it('Vercel', () => {
    const headers = {
      'x-vercel-ip-country': 'BR',
      'x-vercel-ip-country-region': 'SP',
      'x-vercel-ip-city': 'S%C3%A3o%20Paulo',
      'x-vercel-ip-timezone': 'America/Sao_Paulo',
      'x-vercel-ip-latitude': '-23.5',
      'x-vercel-ip-longitude': '-46.6',
    };
    expect(of(trusted, headers, peer)).toMatchObject({
      country: 'BR',
      regionCode: 'SP',
      city: 'São Paulo',
      timezone: 'America/Sao_Paulo',
      latitude: -23.5,
    });
  });

  it('CloudFront', () => {
    const headers = {
      'cloudfront-viewer-country': 'JP',
      'cloudfront-viewer-country-region': '13',
      'cloudfront-viewer-country-region-name': 'Tokyo',
      'cloudfront-viewer-city': 'Tokyo',
      'cloudfront-viewer-time-zone': 'Asia/Tokyo',
      'cloudfront-viewer-asn': '2516',
      'cloudfront-viewer-tls': 'TLSv1.3:TLS_AES_128_GCM_SHA256:fullHandshake',
      'cloudfront-viewer-http-version': '2.0',
    };
    expect(of(trusted, headers, { ...peer, httpVersion: '1.1' })).toMatchObject({
      country: 'JP',
      regionCode: '13',
      region: 'Tokyo',
      timezone: 'Asia/Tokyo',
      asn: 2516,
      tlsVersion: 'TLSv1.3',
      tlsCipher: 'TLS_AES_128_GCM_SHA256',
      httpProtocol: 'HTTP/2',
    });
  });

  it('are not mixed, and only those are read that the operator names', () => {
    const headers = {
      'cf-ipcountry': 'DE',
      'x-vercel-ip-country': 'FR',
      'x-vercel-ip-city': 'Paris',
      'fly-region': 'ams',
    };
    expect(of(trusted, headers, peer)).toEqual({ ip: '127.0.0.1', country: 'DE', colo: 'AMS' });
    expect(of({ ...trusted, geoHeaders: ['vercel'] }, headers, peer)).toEqual({
      ip: '127.0.0.1',
      country: 'FR',
      city: 'Paris',
    });
    expect(of({ ...trusted, geoHeaders: [] }, headers, peer)).toEqual({ ip: '127.0.0.1' });
    expect(of({ trustedProxies: ['loopback'] }, headers, peer)).toEqual({ ip: '127.0.0.1' });
  });

  it('may be named one by one, for a proxy that sets no more of them', () => {
    const headers = { 'cf-ipcountry': 'US', 'cf-region-code': 'CA', 'cf-timezone': 'Asia/Tokyo', 'fly-region': 'ams' };
    expect(of({ ...trusted, geoHeaders: ['CF-IPCountry'] }, headers, peer)).toEqual({ ip: '127.0.0.1', country: 'US' });
    // A country that its network does not name is none of the others' to fill in.
    expect(of({ ...trusted, geoHeaders: ['cf-region-code', 'fly'] }, headers, peer)).toEqual({
      ...{ ip: '127.0.0.1', colo: 'AMS' },
    });
    expect(() => createVisitorSource({ geoHeaders: ['x-country'] })).toThrow(/no network and no header/);
  });

  it.each<Headers>([
    { 'cf-ipcountry': 'XX' },
    { 'cf-ipcountry': 'T1' },
    { 'cf-ipcountry': 'DEU' },
    { 'cf-ipcountry': 'ZZ' },
    { 'cf-ipcountry': '__proto__' },
    { 'cf-ipcountry': '' },
    { 'cf-ipcountry': 'D\u0000' },
    { 'x-vercel-ip-country': '%zz' },
  ])('%j is dropped', (headers) => {
    expect(of(trusted, headers, peer)).toEqual({ ip: '127.0.0.1' });
  });

  it.each<Headers>([
    { 'cf-timezone': 'Mars/Olympus' },
    { 'cf-iplatitude': '91' },
    { 'cf-iplatitude': 'NaN' },
    { 'cf-iplongitude': '-181' },
    { 'cf-region-code': 'TOO-LONG' },
    { 'cf-ipcity': 'x'.repeat(200) },
    { 'cf-ipcity': 'a\u001b[31m' },
    { 'cf-ipcontinent': 'ZZ' },
  ])('beside a good country %j is dropped', (headers) => {
    expect(of(trusted, { 'cf-ipcountry': 'DE', ...headers }, peer)).toEqual({ ip: '127.0.0.1', country: 'DE' });
  });

  it('a region with its country before it is understood', () => {
    expect(of(trusted, { 'cf-ipcountry': 'US', 'cf-region-code': 'US-CA' }, peer).regionCode).toBe('CA');
  });
});

describe("Cloudflare's request.cf", () => {
  const cf = {
    country: 'US',
    continent: 'NA',
    region: 'California',
    regionCode: 'CA',
    city: 'San Francisco',
    postalCode: '94107',
    latitude: '37.77',
    longitude: '-122.42',
    timezone: 'America/Los_Angeles',
    colo: 'SJC',
    asn: 7922,
    asOrganization: 'Comcast',
    httpProtocol: 'HTTP/3',
    tlsVersion: 'TLSv1.3',
    tlsCipher: 'AEAD-AES128-GCM-SHA256',
    clientAcceptEncoding: 'gzip, br',
    ip: '6.6.6.6',
    botManagement: { score: 1 },
  };

  it('is taken as it comes, and no header beside it', () => {
    const data = of({}, { ...SPOOFED, 'accept-language': 'es' }, { cf, peerAddress: '198.51.100.7' });
    const { botManagement: _, ip: __, ...rest } = cf;
    expect(data).toEqual({ ...rest, latitude: 37.77, longitude: -122.42, ip: '198.51.100.7', acceptLanguage: 'es' });
  });

  it('is checked like everything else', () => {
    const wrong = {
      country: 12,
      latitude: {},
      asn: -1,
      colo: '<script>',
      tlsVersion: 'x\ny',
      httpProtocol: [],
      timezone: null,
    };
    expect(of({}, {}, { cf: wrong })).toEqual({});
  });
});

describe('S24: location and edge', () => {
  it('exist for every request, whatever it claims and whoever is trusted', () => {
    const names = [...Object.keys(SPOOFED), 'accept-language', 'accept-encoding'];
    const headers = fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary' }));
    const cf = fc.option(
      fc.dictionary(fc.constantFrom('country', 'timezone', 'asn', 'colo', 'latitude'), fc.anything()),
      { nil: undefined },
    );
    fc.assert(
      fc.property(
        headers,
        cf,
        fc.constantFrom('127.0.0.1', '198.51.100.7', undefined, 'x'),
        (sent, given, peerAddress) => {
          const data = of({ trustedProxies: ['loopback'] }, sent, { peerAddress, ...(given && { cf: given }) });
          const location = createLocation(data, () => 0);
          const edge = createEdge(data);
          expect(location.country).toMatch(/^[A-Z]{2}$/);
          expect(location.languages.length).toBeGreaterThan(0);
          expect(JSON.parse(JSON.stringify(location))).toMatchObject({ country: location.country });
          expect(typeof location.formatTime() + typeof edge.isModernTLS()).toBe('stringboolean');
          // It is kept with the execution.
          expect(JSON.parse(JSON.stringify(data))).toEqual(data);
        },
      ),
    );
  });
});
