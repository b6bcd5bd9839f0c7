// Small zod builders that the wire schemas share. Conductor's SDKs send null for "unset" and unknown properties at
// will: null becomes the default, unknown keys are dropped by z.object.
import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';

export const name = () => z.string().min(1, 'must not be empty');

export const wholeNumber = (fallback: number) =>
  z
    .number()
    .int()
    .min(0)
    .max(2_147_483_647)
    .nullish()
    .transform((v) => v ?? fallback);

export const seconds = wholeNumber;

export const flag = (fallback = false) =>
  z
    .boolean()
    .nullish()
    .transform((v) => v ?? fallback);

/** Optional; null reads as absent. */
export const loose = <T extends z.ZodType>(schema: T) => schema.nullish().transform((v) => v ?? undefined);

export const jsonValue = () => z.custom<JsonValue>((v) => v !== undefined);

/** Properties that nothing here acts on: whoever reads a definition and writes it back must not lose them. */
export function kept<Name extends string>(...names: readonly Name[]) {
  const property = loose(jsonValue());
  const shape: Partial<Record<Name, typeof property>> = {};
  for (const each of names) shape[each] = property;
  return shape as Record<Name, typeof property>;
}

/** A JSON object; null and absent read as `{}`. Values are kept as they came. */
export const jsonObject = () =>
  z
    .custom<JsonObject>(isJsonObject, 'must be an object')
    // Without this an absent key is an error: zod takes a bare custom type for required.
    .nullish()
    .transform((v): JsonObject => v ?? {});
