// Looks addresses up in a MaxMind-format file (GeoLite2, GeoIP2, DB-IP and others; cities, countries or networks). The
// caller gives its bytes; must read no file and keep no answer. Needs a runtime with `Buffer`.
import { type CityResponse, Reader } from 'mmdb-lib';
import type { RawVisitor } from './clean-visitor.ts';

/** What a file says of an address; null when it knows nothing. Must not throw. */
export type AddressLookup = (ip: string) => RawVisitor | null;

/** Throws Error when the bytes are no such file. */
export function openMaxmind(bytes: Uint8Array): AddressLookup {
  const reader = open(bytes);
  return (ip) => {
    const record = read(reader, ip);
    if (record === null) return null;
    return {
      country: at(record, 'country', 'iso_code') ?? at(record, 'registered_country', 'iso_code'),
      continent: at(record, 'continent', 'code'),
      region: at(record, 'subdivisions', 0, 'names', 'en'),
      regionCode: at(record, 'subdivisions', 0, 'iso_code'),
      city: at(record, 'city', 'names', 'en'),
      postalCode: at(record, 'postal', 'code'),
      latitude: at(record, 'location', 'latitude'),
      longitude: at(record, 'location', 'longitude'),
      timezone: at(record, 'location', 'time_zone'),
      asn: at(record, 'autonomous_system_number'),
      asOrganization: at(record, 'autonomous_system_organization'),
    };
  };
}

function open(bytes: Uint8Array): Reader<CityResponse> {
  try {
    return new Reader<CityResponse>(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw new Error('this is no MaxMind-format file (.mmdb)', { cause });
  }
}

/** A damaged file shows at the record that is damaged. */
function read(reader: Reader<CityResponse>, ip: string): unknown {
  try {
    return reader.get(ip);
  } catch {
    return null;
  }
}

function at(record: unknown, ...path: readonly (string | number)[]): unknown {
  let value = record;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
