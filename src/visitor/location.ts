// The view of a caller's place that agents get: country, time, language, privacy law. Made for every request, also when
// nothing is known. Must store nothing, and no consent above all: what a caller agreed to comes with the input.
import { continentNameOf, continentOf, countryNameOf, isContinent, isCountry } from './countries.ts';
import { groupOf, isInGroup } from './country-groups.ts';
import { consentModelOf, lawsOf, purposesNeedingConsent } from './jurisdictions.ts';
import { isRightToLeft, languagesOf, preferredOf, wantedTags } from './languages.ts';
import { hourOf, isDaylightSaving, isTimeZone, offsetMinutes, timeText } from './local-time.ts';
import type { LocationContext, VisitorData } from './visitor.ts';

export const UNKNOWN_COUNTRY = 'XX';
const UTC = 'UTC';

/**
 * Never throws, whatever the data. Without a country: `XX`, no jurisdiction, consent model `none`; without a time zone:
 * `UTC`. `now` is asked at each use. What time it is costs a little, so it is worked out when it is read.
 */
export function createLocation(data: VisitorData, now: () => number): LocationContext {
  const country = data.country !== undefined && isCountry(data.country) ? data.country : UNKNOWN_COUNTRY;
  const continent =
    continentOf(country) || (data.continent !== undefined && isContinent(data.continent) ? data.continent : '');
  const regionCode = (data.regionCode ?? '').toUpperCase();
  const timezone = data.timezone !== undefined && isTimeZone(data.timezone) ? data.timezone : UTC;
  const latitude = data.latitude ?? null;
  const longitude = data.longitude ?? null;
  const wanted = wantedTags(data.acceptLanguage ?? '');
  const languages = languagesOf(wanted, country);
  const [language = 'en'] = languages;
  const laws = lawsOf(country, regionCode);
  const consentModel = consentModelOf(laws);
  const required = purposesNeedingConsent(consentModel);
  return {
    country,
    countryName: countryNameOf(country),
    continent,
    continentName: continentNameOf(continent),
    region: data.region ?? '',
    regionCode,
    city: data.city ?? '',
    postalCode: data.postalCode ?? '',
    latitude,
    longitude,
    coordinates: latitude === null || longitude === null ? null : { lat: latitude, lng: longitude },
    timezone,
    get timezoneOffset() {
      return offsetMinutes(timezone, now());
    },
    get timezoneOffsetHours() {
      return offsetMinutes(timezone, now()) / 60;
    },
    get isDST() {
      return isDaylightSaving(timezone, now());
    },
    language,
    languages,
    isRTL: isRightToLeft(language),
    jurisdiction: laws[0]?.name ?? null,
    jurisdictions: laws.map((law) => law.name),
    consentModel,
    isEU: isInGroup(country, 'EU'),
    isEEA: isInGroup(country, 'EEA'),
    isGDPR: isInGroup(country, 'GDPR'),
    isCCPA: laws.some((law) => law.name === 'CCPA'),
    isLGPD: country === 'BR',
    isIn: (...codes) => codes.some((code) => matches(code.trim().toUpperCase(), country, regionCode)),
    // A purpose that nobody knows is not essential.
    requiresConsent: (purpose) => purpose !== 'essential' && required.length > 0,
    getRequiredConsentPurposes: () => [...required],
    preferredLanguage: (supported) => preferredOf(wanted.length > 0 ? wanted : languages, supported),
    formatTime: (date) => timeText(timezone, date ?? new Date(now())),
    now: () => new Date(now()),
    getTimeOfDay: () => {
      const hour = hourOf(timezone, now());
      return hour < 12 ? 'morning' : hour < 17 ? 'afternoon' : 'evening';
    },
    isBusinessHours: (start = 9, end = 17) => {
      const hour = hourOf(timezone, now());
      // A window over midnight, as a night shift's.
      return start <= end ? hour >= start && hour < end : hour >= start || hour < end;
    },
  };
}

/** A group, a country or `CC-RR`, in upper case. Nobody is in the unknown country. */
function matches(code: string, country: string, regionCode: string): boolean {
  if (country === UNKNOWN_COUNTRY) return false;
  return (
    groupOf(code)?.has(country) ?? (code === country || (regionCode !== '' && code === `${country}-${regionCode}`))
  );
}
