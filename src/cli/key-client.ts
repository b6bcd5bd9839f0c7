// The key routes as the key commands call them, wherever the keys are: at a server, in the store, or in a namespace of KV.
import { z } from 'zod';
import type { JsonValue } from '../model/json.ts';
import type { Context, Input } from './command.ts';
import { withConnection } from './connection.ts';
import { CliError, type Connection, NotFoundError, UsageError } from './host.ts';
import { openKvKeys } from './kv-keys.ts';
import { KV_OPTION, TARGET_OPTIONS } from './settings.ts';

const keySchema = z.object({
  keyId: z.string(),
  name: z.string(),
  permissions: z.array(z.string()),
  /** Whose requests the key's are; only where it was given. */
  userId: z.string().nullish(),
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

/** Of every key command. */
export const KEY_OPTIONS = [...TARGET_OPTIONS, KV_OPTION];

export const KEYS_PATH = '/api/v1/admin/keys';

export const readKey = (body: JsonValue): Key => keySchema.parse(body);
export const readKeys = (body: JsonValue): readonly Key[] => listSchema.parse(body).keys;
export const readGenerated = (body: JsonValue): GeneratedKey => generatedSchema.parse(body);

/** One call about one key; `under` is what follows its id in the path. Where there is none, the error says how to find it. */
export async function callKey(
  context: Context,
  input: Input,
  method: Parameters<Connection['call']>[0],
  under = '',
  body?: JsonValue,
): Promise<JsonValue> {
  try {
    return await callKeys(context, input, method, `${KEYS_PATH}/${encodeURIComponent(input.arg(0))}${under}`, body);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new CliError(`${error.message} List them: conductor keys list`);
  }
}

/** One call to the key routes. */
export async function callKeys(
  context: Context,
  input: Input,
  ...[method, path, body]: Parameters<Connection['call']>
): Promise<JsonValue> {
  const namespace = input.text('kv') ?? context.io.env.CONDUCTOR_KV;
  if (!namespace) return withConnection(context, input, (connection) => connection.call(method, path, body));
  if (input.text('url')) throw new UsageError('Keys are at a server (--url) or in a namespace (--kv), not in both.');
  return openKvKeys(context.host, namespace, () => Date.now()).call(method, path, body);
}
