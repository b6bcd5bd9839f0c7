// The `storage` operation: a named key-value store. Config `operation` (or `action`) get|put|delete|list, `backend` (or
// `type`) kv, `binding`, and any of `key, value, prefix, limit, cursor, ttl` (or `expirationTtl`, seconds); what config
// leaves out, input gives. Output: get `{key, value, found}`, put `{success, key}`, delete `{success, key}`, list
// `{keys, cursor}`. Values are stored as JSON text, so they come back as they were; other text is read as text.
import { z } from 'zod';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { jsonValue, loose } from '../../model/schema.ts';
import { AgentError, type KeyValueStore, type Operation } from '../operation.ts';
import { readConfig, readInput, text } from '../read-values.ts';
import { orAborted } from '../wait.ts';

const Kind = z.enum(['get', 'put', 'delete', 'list']);
const seconds = () => loose(z.number().int().min(0).max(3_153_600_000));

const shared = {
  key: loose(z.string().min(1).max(512)),
  value: jsonValue().optional(),
  prefix: text(),
  limit: loose(z.number().int().min(1).max(1000)),
  cursor: text(),
  ttl: seconds(),
  expirationTtl: seconds(),
};

const Config = z.strictObject({
  backend: loose(z.literal('kv')),
  type: loose(z.literal('kv')),
  operation: loose(Kind),
  action: loose(Kind),
  binding: text(),
  ...shared,
});
const Input = z.object(shared);

type Request = z.infer<typeof Input>;

const VALUE_LENGTH_MAX = 25 * 1024 * 1024;

export const storage: Operation = {
  name: 'storage',
  config: Config,
  run: async (context) => {
    const { operation, action, binding = 'STORAGE', ...config } = readConfig(Config, context.config);
    const kind = operation ?? action;
    if (kind === undefined) throw new AgentError('config.operation is missing: get, put, delete or list.', false);
    const request = merged(config, readInput(Input, context.input));
    return orAborted(carryOut(kind, request, context.services.keyValue.open(binding)), context.signal);
  },
};

/** Key by key: what config names, input cannot change. */
function merged(config: Request, input: Request): Request {
  const set = Object.entries(config).filter(([, value]) => value !== undefined);
  return { ...input, ...Object.fromEntries(set) };
}

async function carryOut(kind: z.infer<typeof Kind>, request: Request, store: KeyValueStore): Promise<JsonObject> {
  if (kind === 'list') {
    return { ...(await store.list(request.prefix ?? '', request.limit ?? 1000, request.cursor ?? null)) };
  }
  const { key } = request;
  if (key === undefined)
    throw new AgentError(`"key" is missing: ${kind} needs one, in the config or the input.`, false);
  if (kind === 'get') return found(key, await store.get(key));
  if (kind === 'put') await store.put(key, textOf(request.value), request.ttl ?? request.expirationTtl ?? 0);
  else await store.delete(key);
  return { success: true, key };
}

function found(key: string, stored: string | null): JsonObject {
  return { key, value: stored === null ? null : read(stored), found: stored !== null };
}

function textOf(value: JsonValue | undefined): string {
  if (value === undefined)
    throw new AgentError('"value" is missing: put needs one, in the config or the input.', false);
  const json = JSON.stringify(value);
  if (json.length > VALUE_LENGTH_MAX) throw new AgentError('The value is larger than 25 MiB.', false);
  return json;
}

function read(stored: string): JsonValue {
  try {
    const value: JsonValue = JSON.parse(stored);
    return value;
  } catch {
    return stored;
  }
}
