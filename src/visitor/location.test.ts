import { describe, expect, it } from 'vitest';
import { createEdge } from './edge.ts';
import { createLocation } from './location.ts';
import type { VisitorData } from './visitor.ts';

const SUMMER = Date.UTC(2026, 6, 15, 12, 30);
const WINTER = Date.UTC(2026, 0, 15, 12, 30);
const at = (data: VisitorData, now = SUMMER) => createLocation(data, () => now);

describe('location', () => {
  it('has defaults for everything', () => {
    const { isIn, requiresConsent, getRequiredConsentPurposes, preferredLanguage, ...rest } = at({});
    expect(JSON.parse(JSON.stringify(rest))).toEqual({
      country: 'XX',
      countryName: 'Unknown',
      continent: '',
      continentName: 'Unknown',
      region: '',
      regionCode: '',
      city: '',
      postalCode: '',
      latitude: null,
      longitude: null,
      coordinates: null,
      timezone: 'UTC',
      timezoneOffset: 0,
      timezoneOffsetHours: 0,
      isDST: false,
      language: 'en',
      languages: ['en'],
      isRTL: false,
      jurisdiction: null,
      jurisdictions: [],
      consentModel: 'none',
      isEU: false,
      isEEA: false,
      isGDPR: false,
      isCCPA: false,
      isLGPD: false,
    });
    expect([isIn('XX', 'EU', ''), requiresConsent('analytics'), getRequiredConsentPurposes()]).toEqual([
      false,
      false,
      [],
    ]);
    expect(preferredLanguage([])).toBe('en');
  });

  it('names countries and continents', () => {
    expect(at({ country: 'DE' })).toMatchObject({ countryName: 'Germany', continent: 'EU', continentName: 'Europe' });
    expect(at({ country: 'HK' }).countryName).toBe('Hong Kong');
    expect(at({ country: 'BR', continent: 'EU' })).toMatchObject({ continent: 'SA', continentName: 'South America' });
    expect(at({ continent: 'AF' }).continentName).toBe('Africa');
    expect(at({ latitude: 0, longitude: 0 }).coordinates).toEqual({ lat: 0, lng: 0 });
    expect(at({ latitude: 1 }).coordinates).toBeNull();
  });

  it.each([
    ['Europe/Berlin', 120, 60],
    ['America/New_York', -240, -300],
    ['Asia/Kolkata', 330, 330],
    ['Australia/Sydney', 600, 660],
    ['Asia/Kathmandu', 345, 345],
    ['UTC', 0, 0],
    ['Mars/Olympus', 0, 0],
  ])('knows the offset of %s in summer and winter', (timezone, summer, winter) => {
    expect(at({ timezone }).timezoneOffset).toBe(summer);
    expect(at({ timezone }, WINTER).timezoneOffset).toBe(winter);
    expect(at({ timezone }).timezoneOffsetHours).toBe(summer / 60);
    expect(at({ timezone }).isDST).toBe(summer > winter);
    expect(at({ timezone }, WINTER).isDST).toBe(winter > summer);
  });

  it('tells the time of the place', () => {
    const tokyo = at({ timezone: 'Asia/Tokyo' });
    expect(tokyo.formatTime()).toBe('Jul 15, 2026, 9:30 PM');
    expect(tokyo.formatTime(new Date(WINTER))).toBe('Jan 15, 2026, 9:30 PM');
    expect(tokyo.now().getTime()).toBe(SUMMER);
    expect([tokyo.getTimeOfDay(), tokyo.isBusinessHours(), tokyo.isBusinessHours(20, 6)]).toEqual([
      'evening',
      false,
      true,
    ]);
    const berlin = at({ timezone: 'Europe/Berlin' });
    expect([berlin.getTimeOfDay(), berlin.isBusinessHours(), berlin.isBusinessHours(15, 18)]).toEqual([
      'afternoon',
      true,
      false,
    ]);
    expect(at({ timezone: 'America/New_York' }).getTimeOfDay()).toBe('morning');
    expect(at({ timezone: 'America/Los_Angeles' }).isBusinessHours(5, 6)).toBe(true);
  });

  it('reads languages from the header, else from the country', () => {
    const swiss = { country: 'CH', acceptLanguage: 'fr;q=0.5, de-CH, de;q=0.9, it;q=0, *;q=0.1, nonsense!' };
    expect(at(swiss).languages).toEqual(['de', 'fr']);
    expect(at({ country: 'CH' }).languages).toEqual(['de', 'fr', 'it']);
    expect(at({ country: 'ZZ' }).language).toBe('en');
    expect([at({ country: 'SA' }).isRTL, at({ acceptLanguage: 'he-IL' }).isRTL, at({ country: 'FR' }).isRTL]).toEqual([
      true,
      true,
      false,
    ]);
    expect(at(swiss).preferredLanguage(['en', 'fr'])).toBe('fr');
    expect(at(swiss).preferredLanguage(['it', 'es'])).toBe('it');
    expect(at({ acceptLanguage: 'pt-BR, en' }).preferredLanguage(['en', 'pt-PT', 'pt-BR'])).toBe('pt-BR');
    expect(at({ acceptLanguage: 'pt' }).preferredLanguage(['en', 'pt-PT'])).toBe('pt-PT');
    expect(at({ country: 'DE' }).preferredLanguage(['en', 'de'])).toBe('de');
  });

  it('is in groups, countries and regions, in any case', () => {
    const california = at({ country: 'US', regionCode: 'CA' });
    expect(
      ['us', 'US-CA', 'us-ca', 'g7', 'USMCA', 'Five_Eyes', 'NORTH_AMERICA'].filter((code) => !california.isIn(code)),
    ).toEqual([]);
    expect(california.isIn('DE', 'EU', 'US-NY', 'CA', 'BRICS')).toBe(false);
    expect(california.isIn('DE', 'US')).toBe(true);
    expect(at({ country: 'CA' }).isIn('US-CA')).toBe(false);
    expect(at({ country: 'VN' }).isIn('asean')).toBe(true);
  });

  it('has the handlers’ methods apart from the object', () => {
    const { isIn, requiresConsent } = at({ country: 'DE' });
    expect([isIn('EU'), requiresConsent('analytics')]).toEqual([true, true]);
  });
});

describe('S25: jurisdictions and consent', () => {
  it.each([
    [{ country: 'DE' }, 'GDPR', 'opt-in'],
    [{ country: 'NO' }, 'GDPR', 'opt-in'],
    [{ country: 'RE' }, 'GDPR', 'opt-in'],
    [{ country: 'GB' }, 'UK_GDPR', 'opt-in'],
    [{ country: 'CH' }, 'FADP', 'opt-in'],
    [{ country: 'BR' }, 'LGPD', 'opt-in'],
    [{ country: 'CA', regionCode: 'ON' }, 'PIPEDA', 'opt-in'],
    [{ country: 'CA', regionCode: 'QC' }, 'QUEBEC_LAW_25', 'opt-in'],
    [{ country: 'ZA' }, 'POPIA', 'opt-in'],
    [{ country: 'SG' }, 'PDPA', 'opt-in'],
    [{ country: 'TH' }, 'PDPA_TH', 'opt-in'],
    [{ country: 'JP' }, 'APPI', 'opt-in'],
    [{ country: 'KR' }, 'PIPA', 'opt-in'],
    [{ country: 'IN' }, 'DPDP', 'opt-in'],
    [{ country: 'CN' }, 'PIPL', 'opt-in'],
    [{ country: 'HK' }, null, 'none'],
    [{ country: 'US', regionCode: 'CA' }, 'CCPA', 'opt-out'],
    [{ country: 'US', regionCode: 'ca' }, 'CCPA', 'opt-out'],
    [{ country: 'US', regionCode: 'VA' }, 'VCDPA', 'opt-out'],
    [{ country: 'US', regionCode: 'IN' }, 'INCDPA', 'opt-out'],
    [{ country: 'US', regionCode: 'NY' }, null, 'none'],
    [{ country: 'US' }, null, 'none'],
    [{}, null, 'none'],
  ])('%j: %s, %s', (data, jurisdiction, consentModel) => {
    const location = at(data);
    expect([location.jurisdiction, location.jurisdictions[0] ?? null, location.consentModel]).toEqual([
      jurisdiction,
      jurisdiction,
      consentModel,
    ]);
    const purposes = consentModel === 'opt-in' ? ['analytics', 'marketing', 'personalization', 'third_party'] : [];
    expect(location.getRequiredConsentPurposes()).toEqual(purposes);
    expect(location.requiresConsent('essential')).toBe(false);
    expect(location.requiresConsent('marketing')).toBe(consentModel === 'opt-in');
  });

  it('19 US states beside California have a law in force', () => {
    const states = 'CO CT DE FL IA IN KY MD MN MT NE NH NJ OR RI TN TX UT VA'.split(' ');
    const names = states.map((regionCode) => at({ country: 'US', regionCode }).jurisdiction);
    expect(new Set(names).size).toBe(19);
    expect(names).not.toContain(null);
  });

  it('GDPR is true for the EEA and the United Kingdom alone, the EU for its own', () => {
    const flags = (country: string) => {
      const { isEU, isEEA, isGDPR } = at({ country });
      return [isEU, isEEA, isGDPR];
    };
    expect([flags('FR'), flags('IS'), flags('GB'), flags('CH')]).toEqual([
      [true, true, true],
      [false, true, true],
      [false, false, true],
      [false, false, false],
    ]);
    const all = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' ');
    expect([all.length, all.every((country) => at({ country }).isEU)]).toEqual([27, true]);
  });

  it('both laws of a province are named, the closer one first', () => {
    expect(at({ country: 'CA', regionCode: 'QC' }).jurisdictions).toEqual(['QUEBEC_LAW_25', 'PIPEDA']);
    expect([
      at({ country: 'BR' }).isLGPD,
      at({ country: 'US', regionCode: 'CA' }).isCCPA,
      at({ country: 'CA' }).isCCPA,
    ]).toEqual([true, true, false]);
  });
});

describe('S26: edge', () => {
  it('has defaults for everything, and none of them flatters', () => {
    const {
      isFromCloudProvider,
      getCloudProvider,
      isFromVPN,
      getVPNProvider,
      isHTTP2OrHigher,
      isHTTP3,
      isModernTLS,
      ...rest
    } = createEdge({});
    expect(rest).toEqual({
      colo: 'XXX',
      coloName: 'Unknown',
      asn: 0,
      asOrganization: '',
      httpProtocol: 'HTTP/1.1',
      tlsVersion: '',
      tlsCipher: '',
      clientAcceptEncoding: '',
    });
    expect([isFromCloudProvider(), getCloudProvider(), isFromVPN(), getVPNProvider()]).toEqual([
      false,
      null,
      false,
      null,
    ]);
    expect([isHTTP2OrHigher(), isHTTP3(), isModernTLS()]).toEqual([false, false, false]);
  });

  it.each([
    [16509, 'AWS', null],
    [15169, 'Google Cloud', null],
    [8075, 'Microsoft Azure', null],
    [24940, 'Hetzner', null],
    [45102, 'Alibaba Cloud', null],
    [62371, null, 'ProtonVPN'],
    [7922, null, null],
  ])('AS%i: cloud %s, VPN %s', (asn, cloud, vpn) => {
    const edge = createEdge({ asn });
    expect([edge.getCloudProvider(), edge.getVPNProvider()]).toEqual([cloud, vpn]);
    expect([edge.isFromCloudProvider(), edge.isFromVPN()]).toEqual([cloud !== null, vpn !== null]);
  });

  it.each([
    ['HTTP/1.1', false, false],
    ['HTTP/2', true, false],
    ['HTTP/3', true, true],
    ['SPDY', false, false],
  ])('%s', (httpProtocol, two, three) => {
    const edge = createEdge({ httpProtocol, colo: 'FRA' });
    expect([edge.isHTTP2OrHigher(), edge.isHTTP3(), edge.coloName]).toEqual([two, three, 'Frankfurt']);
  });

  it.each([
    ['TLSv1.3', true],
    ['TLSv1.2', true],
    ['TLSv1.1', false],
    ['TLSv1', false],
  ])('%s: modern %s', (tlsVersion, modern) => {
    expect(createEdge({ tlsVersion }).isModernTLS()).toBe(modern);
  });
});
