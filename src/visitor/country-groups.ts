// Groups of countries that rules speak of: unions, trade areas, alliances. Nothing but data. Members as of November 2026.

const EU_MEMBERS = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK';
/** Parts of France and Finland with codes of their own, in which the law of the Union applies. */
const EU_REGIONS = 'AX GF GP MF MQ RE YT';
const EU = `${EU_MEMBERS} ${EU_REGIONS}`;
const EEA = `${EU} IS LI NO`;
const FIVE_EYES = 'AU CA GB NZ US';
const NINE_EYES = `${FIVE_EYES} DK FR NL NO`;
const LATIN_AMERICA = 'AR BO BR CL CO CR CU DO EC GF GP GT HN HT MF MQ MX NI PA PE PR PY SV UY VE BL';

const GROUPS: Readonly<Record<string, string>> = {
  EU,
  EEA,
  GDPR: `${EEA} GB`,
  UK: 'GB',
  EUROPE: `${EEA} GB CH AD AL BA BY FO GG GI IM JE MC MD ME MK RS RU SJ SM UA VA XK`,
  NORTH_AMERICA: 'CA MX US',
  LATAM: LATIN_AMERICA,
  APAC: 'AU BD BN BT CN FJ FM HK ID IN JP KH KI KP KR LA LK MH MM MN MO MV MY NC NP NR NZ PF PG PH PK PW SB SG TH TL TO TV TW VN VU WS',
  MENA: 'AE BH DJ DZ EG IL IQ IR JO KW LB LY MA MR OM PS QA SA SD SY TN YE',
  AFRICA:
    'AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW',
  NAFTA: 'CA MX US',
  USMCA: 'CA MX US',
  /** Full members; Venezuela is suspended. */
  MERCOSUR: 'AR BO BR PY UY',
  /** Timor-Leste since October 2025. */
  ASEAN: 'BN ID KH LA MM MY PH SG TH TL VN',
  FIVE_EYES,
  NINE_EYES,
  FOURTEEN_EYES: `${NINE_EYES} BE DE ES IT SE`,
  G7: 'CA DE FR GB IT JP US',
  /** The countries; the two unions are members as well. */
  G20: 'AR AU BR CA CN DE FR GB ID IN IT JP KR MX RU SA TR US ZA',
  BRICS: 'AE BR CN EG ET ID IN IR RU ZA',
};

const MEMBERS = new Map(Object.entries(GROUPS).map(([name, codes]) => [name, new Set(codes.split(' '))]));

/** `name` in upper case. Undefined when there is no such group. */
export function groupOf(name: string): ReadonlySet<string> | undefined {
  return MEMBERS.get(name);
}

export function isInGroup(country: string, name: string): boolean {
  return MEMBERS.get(name)?.has(country) ?? false;
}
