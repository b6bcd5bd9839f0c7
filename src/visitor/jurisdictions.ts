// Which privacy laws protect people in a place, and which kind of consent they ask for. Data and its reading, as of
// November 2026. This is a help for programs and no legal advice: laws have thresholds, exceptions and courts that no
// table knows, and a country that is missing here has not been looked at rather than has no law.
import { isInGroup } from './country-groups.ts';
import type { ConsentModel, ConsentPurpose, Jurisdiction } from './visitor.ts';

interface Law {
  readonly name: Jurisdiction;
  readonly consent: 'opt-in' | 'opt-out';
}

/**
 * Every purpose but `essential` needs consent first under an opt-in law, none under an opt-out law. Where a law knows
 * several grounds for processing (Canada, Japan, Singapore, Switzerland), the cautious reading is taken.
 */
const PURPOSES = ['analytics', 'marketing', 'personalization', 'third_party'] as const;

/** National laws by country; the EU's and the United Kingdom's are below. */
const NATIONAL: Readonly<Record<string, Jurisdiction>> = {
  /** Lei Geral de Proteção de Dados, Lei 13.709/2018. */
  BR: 'LGPD',
  /** Personal Information Protection and Electronic Documents Act, S.C. 2000, c. 5. */
  CA: 'PIPEDA',
  /** Federal Act on Data Protection, revised, in force since 2023-09-01. */
  CH: 'FADP',
  /** Personal Information Protection Law, in force since 2021-11-01; mainland, not Hong Kong and Macao. */
  CN: 'PIPL',
  /** Digital Personal Data Protection Act, 2023; its duties of consent bind from May 2027, and are applied already. */
  IN: 'DPDP',
  /** Act on the Protection of Personal Information, Act 57 of 2003, as amended in force since 2022-04-01. */
  JP: 'APPI',
  /** Personal Information Protection Act, as amended in force since 2023-09-15. */
  KR: 'PIPA',
  /** Personal Data Protection Act 2012. */
  SG: 'PDPA',
  /** Personal Data Protection Act B.E. 2562, in force since 2022-06-01. */
  TH: 'PDPA_TH',
  /** Protection of Personal Information Act 4 of 2013. */
  ZA: 'POPIA',
};

/** Laws of states and provinces, by `CC-RR`. Comprehensive privacy laws of the United States that are in force. */
const REGIONAL: Readonly<Record<string, Law>> = {
  /** Act respecting the protection of personal information in the private sector, as amended by Law 25. */
  'CA-QC': { name: 'QUEBEC_LAW_25', consent: 'opt-in' },
  /** California Consumer Privacy Act, as amended by the CPRA; 2020-01-01 and 2023-01-01. */
  'US-CA': optOut('CCPA'),
  /** Colorado Privacy Act, 2023-07-01. */
  'US-CO': optOut('CPA'),
  /** Connecticut Data Privacy Act, 2023-07-01. */
  'US-CT': optOut('CTDPA'),
  /** Delaware Personal Data Privacy Act, 2025-01-01. */
  'US-DE': optOut('DPDPA'),
  /** Florida Digital Bill of Rights, 2024-07-01; binds very large companies only. */
  'US-FL': optOut('FDBR'),
  /** Iowa Consumer Data Protection Act, 2025-01-01. */
  'US-IA': optOut('ICDPA'),
  /** Indiana Consumer Data Protection Act, 2026-01-01. */
  'US-IN': optOut('INCDPA'),
  /** Kentucky Consumer Data Protection Act, 2026-01-01. */
  'US-KY': optOut('KCDPA'),
  /** Maryland Online Data Privacy Act, 2025-10-01. */
  'US-MD': optOut('MODPA'),
  /** Minnesota Consumer Data Privacy Act, 2025-07-31. */
  'US-MN': optOut('MCDPA'),
  /** Montana Consumer Data Privacy Act, 2024-10-01. */
  'US-MT': optOut('MTCDPA'),
  /** Nebraska Data Privacy Act, 2025-01-01. */
  'US-NE': optOut('NDPA'),
  /** New Hampshire, RSA 507-H, 2025-01-01. */
  'US-NH': optOut('NHPA'),
  /** New Jersey Data Privacy Act, 2025-01-15. */
  'US-NJ': optOut('NJDPA'),
  /** Oregon Consumer Privacy Act, 2024-07-01. */
  'US-OR': optOut('OCPA'),
  /** Rhode Island Data Transparency and Privacy Protection Act, 2026-01-01. */
  'US-RI': optOut('RIDTPPA'),
  /** Tennessee Information Protection Act, 2025-07-01. */
  'US-TN': optOut('TIPA'),
  /** Texas Data Privacy and Security Act, 2024-07-01. */
  'US-TX': optOut('TDPSA'),
  /** Utah Consumer Privacy Act, 2023-12-31. */
  'US-UT': optOut('UCPA'),
  /** Virginia Consumer Data Protection Act, 2023-01-01. */
  'US-VA': optOut('VCDPA'),
};

/** The law closest to the place first. */
export function lawsOf(country: string, regionCode: string): readonly Law[] {
  const laws: Law[] = [];
  const region = `${country}-${regionCode}`;
  const regional = Object.hasOwn(REGIONAL, region) ? REGIONAL[region] : undefined;
  if (regional !== undefined) laws.push(regional);
  const national = nationalLaw(country);
  if (national !== null) laws.push({ name: national, consent: 'opt-in' });
  return laws;
}

/**
 * Regulation (EU) 2016/679 in the EEA. The United Kingdom has its own text since 2021 (UK GDPR, Data Protection Act 2018,
 * Data (Use and Access) Act 2025), hence its own name; `isGDPR` is true for both.
 */
function nationalLaw(country: string): Jurisdiction | null {
  if (isInGroup(country, 'EEA')) return 'GDPR';
  if (country === 'GB') return 'UK_GDPR';
  return Object.hasOwn(NATIONAL, country) ? (NATIONAL[country] ?? null) : null;
}

/** The strictest of the laws decides. */
export function consentModelOf(laws: readonly Law[]): ConsentModel {
  if (laws.some((law) => law.consent === 'opt-in')) return 'opt-in';
  return laws.length > 0 ? 'opt-out' : 'none';
}

/** Purposes that need consent before anything is done. */
export function purposesNeedingConsent(model: ConsentModel): readonly ConsentPurpose[] {
  return model === 'opt-in' ? PURPOSES : [];
}

function optOut(name: Jurisdiction): Law {
  return { name, consent: 'opt-out' };
}
