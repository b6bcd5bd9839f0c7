// The view of a caller's connection that agents get: network, protocol, encryption. Made for every request, also when
// nothing is known. Must guess nothing: what is unknown is not modern, not a cloud and not a VPN.
import { coloNameOf } from './colos.ts';
import { CLOUD_PROVIDERS, VPN_PROVIDERS } from './networks.ts';
import type { EdgeContext, VisitorData } from './visitor.ts';

const MODERN_TLS = new Set(['TLSv1.2', 'TLSv1.3']);

/** Never throws, whatever the data. Without any: colo `XXX`, ASN 0, `HTTP/1.1`, and empty texts. */
export function createEdge(data: VisitorData): EdgeContext {
  const colo = data.colo ?? 'XXX';
  const asn = data.asn ?? 0;
  const httpProtocol = data.httpProtocol ?? 'HTTP/1.1';
  const tlsVersion = data.tlsVersion ?? '';
  const version = Number(/^HTTP\/(\d+(?:\.\d+)?)$/i.exec(httpProtocol)?.[1] ?? 0);
  const cloud = CLOUD_PROVIDERS.get(asn) ?? null;
  const vpn = VPN_PROVIDERS.get(asn) ?? null;
  return {
    colo,
    coloName: coloNameOf(colo),
    asn,
    asOrganization: data.asOrganization ?? '',
    httpProtocol,
    tlsVersion,
    tlsCipher: data.tlsCipher ?? '',
    clientAcceptEncoding: data.clientAcceptEncoding ?? '',
    isFromCloudProvider: () => cloud !== null,
    getCloudProvider: () => cloud,
    isFromVPN: () => vpn !== null,
    getVPNProvider: () => vpn,
    isHTTP2OrHigher: () => version >= 2,
    isHTTP3: () => version >= 3,
    isModernTLS: () => MODERN_TLS.has(tlsVersion),
  };
}
