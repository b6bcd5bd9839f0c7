// Countries by continent (ISO 3166-1 codes, and XK as everybody uses it), and their English names. Nothing but data and
// the way to read it.

const COUNTRIES_BY_CONTINENT: Readonly<Record<string, string>> = {
  AF: 'AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW',
  AN: 'AQ BV GS HM TF',
  AS: 'AE AF AM AZ BD BH BN BT CC CN CX CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE',
  EU: 'AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK',
  NA: 'AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI',
  OC: 'AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS',
  SA: 'AR BO BR CL CO EC FK GF GY PE PY SR UY VE',
};

const CONTINENT_NAMES: Readonly<Record<string, string>> = {
  AF: 'Africa',
  AN: 'Antarctica',
  AS: 'Asia',
  EU: 'Europe',
  NA: 'North America',
  OC: 'Oceania',
  SA: 'South America',
};

/** Where the long official form is not how anybody says it. */
const USUAL_NAMES: Readonly<Record<string, string>> = {
  CD: 'DR Congo',
  CG: 'Republic of the Congo',
  CZ: 'Czech Republic',
  HK: 'Hong Kong',
  MM: 'Myanmar',
  MO: 'Macao',
  PS: 'Palestine',
  TR: 'Turkey',
};

const CONTINENTS = new Map(
  Object.entries(COUNTRIES_BY_CONTINENT).flatMap(([continent, codes]) =>
    codes.split(' ').map((code) => [code, continent] as const),
  ),
);

const englishNames = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });

export function isCountry(code: string): boolean {
  return CONTINENTS.has(code);
}

export function isContinent(code: string): boolean {
  return Object.hasOwn(CONTINENT_NAMES, code);
}

export function countryNameOf(country: string): string {
  if (!isCountry(country)) return 'Unknown';
  return USUAL_NAMES[country] ?? englishNames.of(country) ?? country;
}

/** Empty when not known. */
export function continentOf(country: string): string {
  return CONTINENTS.get(country) ?? '';
}

export function continentNameOf(continent: string): string {
  return isContinent(continent) ? (CONTINENT_NAMES[continent] ?? '') : 'Unknown';
}
