// The counters of seldom-changed nouns, as one row.
import type { Stamps } from '../shared-port.ts';
import { numberOf, type Row } from './text-column.ts';

export const SELECT_STAMPS = 'select definitions, schedules, api_keys, vendor_secrets from stamp where id = 1';
export const LOCK_STAMPS = `${SELECT_STAMPS} for update`;

export function stampsOf(row: Row): Stamps {
  return {
    definitions: numberOf(row, 'definitions'),
    schedules: numberOf(row, 'schedules'),
    apiKeys: numberOf(row, 'api_keys'),
    vendorSecrets: numberOf(row, 'vendor_secrets'),
  };
}
