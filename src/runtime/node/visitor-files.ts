// Where callers come from, as configured: trusted proxies, and MaxMind-format files of the operator's own.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Settings } from '../../config/config-schema.ts';
import { openMaxmind } from '../../visitor/maxmind.ts';
import type { VisitorSource } from '../../visitor/visitor.ts';
import { createVisitorSource } from '../../visitor/visitor-source.ts';
import { ConfigurationError } from './server-options.ts';

/** Paths are relative to the project. Throws ConfigurationError for a file that cannot be read. */
export function visitorSourceOf(
  { security: { geo, geoHeaders, trustedProxies } }: Settings,
  directory: string,
): VisitorSource {
  const files = Object.entries(geo).filter((entry): entry is [string, string] => entry[1] !== null);
  const lookups = files.map(([name, path]) => {
    try {
      return openMaxmind(readFileSync(resolve(directory, path)));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ConfigurationError(`security.geo.${name}: ${path} cannot be used: ${why}`);
    }
  });
  return createVisitorSource({ trustedProxies, geoHeaders, lookups });
}
