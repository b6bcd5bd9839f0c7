// The vendor-secret routes as the secret commands call them. A secret travels to the vault and never back.
import { z } from 'zod';
import type { JsonValue } from '../model/json.ts';
import { UsageError } from './host.ts';

const secretSchema = z.object({
  vendor: z.string(),
  name: z.string(),
  source: z.enum(['store', 'environment']),
  /** ISO; null for the environment's. */
  created_at: z.string().nullable(),
});

const listSchema = z.object({ secrets: z.array(secretSchema) });

export type Secret = z.infer<typeof secretSchema>;

export const SECRETS_PATH = '/vault/secrets';

export const readSecret = (body: JsonValue): Secret => secretSchema.parse(body);
export const readSecrets = (body: JsonValue): readonly Secret[] => listSchema.parse(body).secrets;

/** Throws UsageError for what cannot be a vendor's name. */
export function secretPath(vendor: string): string {
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(vendor)) {
    throw new UsageError(`"${vendor}" is not a vendor name: lower-case letters, digits and dashes, such as stripe.`);
  }
  return `${SECRETS_PATH}/${vendor}`;
}
