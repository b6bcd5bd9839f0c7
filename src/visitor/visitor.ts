// Where a request comes from: place and law (`location`), network and protocol (`edge`). Plain data is found once per
// request and kept with the execution; the two contexts are views of it. Must never decide anything by itself.
// CONTRACT FILE: shapes stay; implementations live beside it.

/** What is known about a caller, as JSON; everything may be missing. Kept in the execution, so a resumed step sees it too. */
export interface VisitorData {
  readonly country?: string;
  readonly continent?: string;
  readonly region?: string;
  readonly regionCode?: string;
  readonly city?: string;
  readonly postalCode?: string;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly timezone?: string;
  readonly acceptLanguage?: string;
  readonly colo?: string;
  readonly asn?: number;
  readonly asOrganization?: string;
  readonly httpProtocol?: string;
  readonly tlsVersion?: string;
  readonly tlsCipher?: string;
  readonly clientAcceptEncoding?: string;
  /** The caller's address, as far as the proxies in front may be trusted. */
  readonly ip?: string;
}

export type Jurisdiction = string;
export type ConsentModel = 'opt-in' | 'opt-out' | 'none';
export type ConsentPurpose = 'essential' | 'analytics' | 'marketing' | 'personalization' | 'third_party';

export interface LocationContext {
  readonly country: string;
  readonly countryName: string;
  readonly continent: string;
  readonly continentName: string;
  readonly region: string;
  readonly regionCode: string;
  readonly city: string;
  readonly postalCode: string;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly coordinates: { readonly lat: number; readonly lng: number } | null;
  readonly timezone: string;
  /** Minutes east of UTC. */
  readonly timezoneOffset: number;
  readonly timezoneOffsetHours: number;
  readonly isDST: boolean;
  readonly language: string;
  readonly languages: readonly string[];
  readonly isRTL: boolean;
  readonly jurisdiction: Jurisdiction | null;
  readonly jurisdictions: readonly Jurisdiction[];
  readonly consentModel: ConsentModel;
  readonly isEU: boolean;
  readonly isEEA: boolean;
  readonly isGDPR: boolean;
  readonly isCCPA: boolean;
  readonly isLGPD: boolean;
  isIn(...codes: readonly string[]): boolean;
  requiresConsent(purpose: ConsentPurpose): boolean;
  getRequiredConsentPurposes(): readonly ConsentPurpose[];
  preferredLanguage(supported: readonly string[]): string;
  formatTime(date?: Date): string;
  now(): Date;
  getTimeOfDay(): 'morning' | 'afternoon' | 'evening';
  isBusinessHours(start?: number, end?: number): boolean;
}

export interface EdgeContext {
  readonly colo: string;
  readonly coloName: string;
  readonly asn: number;
  readonly asOrganization: string;
  readonly httpProtocol: string;
  readonly tlsVersion: string;
  readonly tlsCipher: string;
  readonly clientAcceptEncoding: string;
  isFromCloudProvider(): boolean;
  getCloudProvider(): string | null;
  isFromVPN(): boolean;
  getVPNProvider(): string | null;
  isHTTP2OrHigher(): boolean;
  isHTTP3(): boolean;
  isModernTLS(): boolean;
}

/** What a mount knows of a request's origin. */
export interface RequestOrigin {
  /** Address of the other end of the connection. */
  readonly peerAddress?: string;
  readonly httpVersion?: string;
  /** Cloudflare's `request.cf`, as it came. */
  readonly cf?: Readonly<Record<string, unknown>>;
}

/** Finds out about callers. One per server: it knows which proxies to trust, and may hold a MaxMind-format file. */
export interface VisitorSource {
  /** Never throws: what cannot be found out is missing. */
  of(header: (name: string) => string | undefined, origin: RequestOrigin): VisitorData;
}
