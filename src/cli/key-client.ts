// The key routes as the key commands call them.
import { z } from 'zod';
import type { JsonValue } from '../model/json.ts';

const keySchema = z.object({
  keyId: z.string(),
  name: z.string(),
  permissions: z.array(z.string()),
  status: z.enum(['active', 'expired', 'revoked']),
  createdAt: z.number(),
  expiresAt: z.number().nullable(),
  revokedAt: z.number().nullable(),
  rotatedFrom: z.string().nullable(),
});

const generatedSchema = keySchema.extend({ key: z.string() });
const listSchema = z.object({ keys: z.array(keySchema) });

export type Key = z.infer<typeof keySchema>;
export type GeneratedKey = z.infer<typeof generatedSchema>;

export const KEYS_PATH = '/api/v1/admin/keys';

export const readKey = (body: JsonValue): Key => keySchema.parse(body);
export const readKeys = (body: JsonValue): readonly Key[] => listSchema.parse(body).keys;
export const readGenerated = (body: JsonValue): GeneratedKey => generatedSchema.parse(body);

export function keyPath(id: string): string {
  return `${KEYS_PATH}/${encodeURIComponent(id)}`;
}
