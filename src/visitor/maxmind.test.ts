import { describe, expect, it } from 'vitest';
import { maxmindFile } from './maxmind.fixture.ts';
import { openMaxmind } from './maxmind.ts';
import { createVisitorSource } from './visitor-source.ts';

const MUNICH = {
  city: { names: { de: 'München', en: 'Munich' } },
  continent: { code: 'EU' },
  country: { iso_code: 'DE' },
  location: { latitude: 48.137, longitude: 11.575, time_zone: 'Europe/Berlin' },
  postal: { code: '80331' },
  subdivisions: [{ iso_code: 'BY', names: { en: 'Bavaria' } }],
};
const cities = maxmindFile({
  '81.2.69.0/24': MUNICH,
  '2a01:4f8::/32': MUNICH,
  '9.9.9.9/32': { country: { iso_code: 'DEU' } },
});
const networks = maxmindFile({
  '81.2.0.0/16': { autonomous_system_number: 24940, autonomous_system_organization: 'Hetzner Online GmbH' },
});
const none = () => undefined;

describe('a MaxMind-format file', () => {
  it.each(['81.2.69.142', '2a01:4f8::1', '::ffff:81.2.69.142'])('says where %s is', (peerAddress) => {
    const source = createVisitorSource({ lookups: [openMaxmind(cities), openMaxmind(networks)] });
    const data = source.of(none, { peerAddress });
    expect(data).toMatchObject({
      country: 'DE',
      continent: 'EU',
      region: 'Bavaria',
      regionCode: 'BY',
      city: 'Munich',
      postalCode: '80331',
      latitude: 48.137,
      longitude: 11.575,
      timezone: 'Europe/Berlin',
    });
    const inNetwork = !peerAddress.startsWith('2a01');
    expect(data.asn).toBe(inNetwork ? 24940 : undefined);
    expect(data.asOrganization).toBe(inNetwork ? 'Hetzner Online GmbH' : undefined);
  });

  it('knows nothing of other addresses, and nothing wrong is taken from it', () => {
    const source = createVisitorSource({ lookups: [openMaxmind(cities)] });
    expect(source.of(none, { peerAddress: '8.8.8.8' })).toEqual({ ip: '8.8.8.8' });
    expect(source.of(none, { peerAddress: '9.9.9.9' })).toEqual({ ip: '9.9.9.9' });
    expect(source.of(none, { peerAddress: 'nonsense' })).toEqual({});
  });

  it('is read from within a larger buffer', () => {
    const larger = new Uint8Array(cities.length + 20);
    larger.set(cities, 7);
    expect(openMaxmind(larger.subarray(7, 7 + cities.length))('81.2.69.1')).toMatchObject({ country: 'DE' });
  });

  it('is refused when it is none, and never throws when it is damaged', () => {
    expect(() => openMaxmind(new TextEncoder().encode('GIF89a'))).toThrow(/no MaxMind-format file/);
    const damaged = Uint8Array.from(cities, (byte, at) => (at > 700 && at < cities.length - 300 ? 0xff : byte));
    const lookup = openMaxmind(damaged);
    expect(() => lookup('81.2.69.142')).not.toThrow();
  });

  it('fills the gaps of what a trusted proxy says, but mixes no two countries', () => {
    const source = createVisitorSource({
      trustedProxies: ['loopback'],
      geoHeaders: ['cloudflare'],
      lookups: [openMaxmind(cities), openMaxmind(networks)],
    });
    const of = (country: string) =>
      source.of((name) => ({ 'cf-ipcountry': country, 'x-forwarded-for': '81.2.69.142' })[name], {
        peerAddress: '127.0.0.1',
      });
    expect(of('DE')).toMatchObject({ country: 'DE', city: 'Munich', asn: 24940, ip: '81.2.69.142' });
    expect(of('FR')).toEqual({ country: 'FR', asn: 24940, asOrganization: 'Hetzner Online GmbH', ip: '81.2.69.142' });
  });
});
