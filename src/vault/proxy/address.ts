// Which vendor a call is for, by its address: `/stripe/…`, or the root namespace of a vendor whose SDK takes no prefix.
// Owns the routing; the key decides afterwards whether it may go there.
import type { Vendor } from '../vendors/vendor.ts';
import { readTarget } from './canonical-path.ts';
import { Refusal } from './refusal.ts';

export interface Address {
  readonly vendor: Vendor;
  /** The vendor's own canonical path: what is matched is what is forwarded. */
  readonly path: string;
  readonly segments: readonly string[];
  readonly query: string | undefined;
  /** It came below the vendor's name, and not in its root namespace. */
  readonly named: boolean;
}

/** Whether a path belongs to the proxy. The vault's own control routes at `/v1/keys` do not. */
export function ownsPath(vendors: readonly Vendor[], path: string): boolean {
  if (path === '/v1/keys' || path.startsWith('/v1/keys/')) return false;
  return vendorOf(vendors, path) !== undefined;
}

/** Whose error shape a caller understands, as far as its address tells. */
export function vendorOf(vendors: readonly Vendor[], path: string): Vendor | undefined {
  return vendors.find(({ name, ownsRoot }) => isBelow(path, name) || ownsRoot(path));
}

function isBelow(path: string, name: string): boolean {
  const end = 1 + name.length;
  return path.startsWith('/') && path.startsWith(name, 1) && (path.length === end || path[end] === '/');
}

/** Throws Refusal malformed_request, not_found. */
export function readAddress(vendors: readonly Vendor[], target: string): Address {
  const { path, segments, query } = readTarget(target);
  const vendor = vendorOf(vendors, path);
  if (!vendor) throw new Refusal('not_found', `not_found: no vendor is reached at ${path}.`);
  const named = segments[0] === vendor.name;
  const own = vendor.ownSegments(named ? segments.slice(1) : segments);
  if (!vendor.knows(own)) {
    throw new Refusal('not_found', `not_found: ${vendor.name} has no address ${path}; see proxy_base_url of the key.`);
  }
  return { vendor, path: own === segments ? path : `/${own.join('/')}`, segments: own, query, named };
}
