// API keys in a namespace of Cloudflare KV, written through wrangler: answers the key routes as a server does, so that the
// key commands cannot tell. A record lies under its key's hash, and `id:<key id>` leads to it; the key's text is nowhere.
// A namespace answers from the edge: what is written here may take a minute to be seen everywhere.
import { z } from 'zod';
import { permissionFault } from '../access/grantable.ts';
import { KvKeyRecord, kvKeyName } from '../access/key-store.ts';
import { hashKey, newKeyId, newKeyText } from '../access/key-text.ts';
import { parseExpiry, parseOverlap } from '../access/lifetime.ts';
import { EXPIRES_DEFAULT } from '../http/routes/admin/keys.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import { CliError, type CliHost, type Connection, NotFoundError } from './host.ts';

const KEY_PREFIX_LENGTH = 12;
const LISTED = z.array(z.object({ name: z.string() }));
const GENERATE = z.object({
  name: z.string(),
  permissions: z.array(z.string()),
  expires: z.string().default(EXPIRES_DEFAULT),
  userId: z.string().optional(),
});
const ROTATE = z.object({ overlap: z.string().default('0') });
const KEYS = /^\/api\/v1\/admin\/keys(?:\/([^/]+)(\/rotate)?)?$/;

/** Throws CliError for what is neither a binding nor the id of a namespace. */
export function openKvKeys(host: Pick<CliHost, 'wrangler'>, namespace: string, now: () => number): Connection {
  const keys = new KvKeys(new Namespace(host, namespace), now);
  return {
    where: `KV ${namespace}`,
    call: (method, path, body) => keys.answer(method, path, body ?? {}),
    close: () => Promise.resolve(),
  };
}

class KvKeys {
  readonly #namespace: Namespace;
  readonly #now: () => number;

  constructor(namespace: Namespace, now: () => number) {
    this.#namespace = namespace;
    this.#now = now;
  }

  async answer(method: string, path: string, body: JsonValue): Promise<JsonValue> {
    const [, encoded, rotate] = KEYS.exec(path) ?? [];
    if (encoded === undefined) return method === 'POST' ? this.#generate(body) : this.#list();
    const record = await this.#find(decodeURIComponent(encoded));
    if (rotate !== undefined) return this.#rotate(record, body);
    if (method !== 'DELETE') return this.#view(record);
    if (!record.active) return this.#view(record);
    return this.#view(await this.#put({ ...record, active: false, metadata: this.#ended(record) }));
  }

  async #list(): Promise<JsonValue> {
    const records: KvKeyRecord[] = [];
    // One after another: each is a process of its own.
    for (const name of await this.#namespace.names('key:')) records.push(await this.#record(name));
    records.sort((a, b) => b.createdAt - a.createdAt);
    return { keys: records.map((record) => this.#view(record)) };
  }

  async #generate(body: JsonValue): Promise<JsonValue> {
    const { expires, name, permissions, userId } = GENERATE.parse(body);
    for (const permission of permissions) {
      const fault = permissionFault(permission);
      if (fault !== null) throw new CliError(`"${permission}" is not a permission. ${fault}`);
    }
    const createdAt = this.#now();
    const expiresAt = parseExpiry(expires, createdAt) || null;
    const of = userId === undefined ? {} : { userId };
    return this.#create({ name, permissions, createdAt, expiresAt, ...of });
  }

  async #rotate(old: KvKeyRecord, body: JsonValue): Promise<JsonValue> {
    const overlapMs = parseOverlap(ROTATE.parse(body).overlap);
    const createdAt = this.#now();
    const live = old.active && (old.expiresAt === null || old.expiresAt > createdAt);
    if (!live) throw new CliError(`The API key ${old.keyId} is revoked or expired and cannot be rotated.`);
    const { name, permissions, userId } = old;
    const expiresAt = old.expiresAt === null ? null : createdAt + old.expiresAt - old.createdAt;
    const metadata = { ...old.metadata, rotatedFrom: old.keyId };
    const of = userId === undefined ? {} : { userId };
    const made = await this.#create({ name, permissions, createdAt, expiresAt, metadata, ...of });
    const endsAt = createdAt + overlapMs;
    if (overlapMs === 0) await this.#put({ ...old, active: false, metadata: this.#ended(old) });
    else await this.#put({ ...old, expiresAt: old.expiresAt === null ? endsAt : Math.min(old.expiresAt, endsAt) });
    return made;
  }

  async #create(fields: Omit<KvKeyRecord, 'keyId' | 'keyHash' | 'keyPrefix' | 'active'>): Promise<JsonObject> {
    const key = newKeyText();
    const keyHash = hashKey(key);
    const keyPrefix = key.slice(0, KEY_PREFIX_LENGTH);
    const record = await this.#put({ ...fields, keyId: newKeyId(), keyHash, keyPrefix, active: true });
    await this.#namespace.put(`id:${record.keyId}`, keyHash);
    return { key, ...this.#view(record) };
  }

  async #find(id: string): Promise<KvKeyRecord> {
    const hash = /^key_[0-9A-Za-z]{1,64}$/.test(id) ? await this.#namespace.get(`id:${id}`) : null;
    if (hash === null || !/^[0-9a-f]{64}$/.test(hash)) throw new NotFoundError(`There is no API key ${id}.`);
    return this.#record(kvKeyName(hash));
  }

  async #record(name: string): Promise<KvKeyRecord> {
    const text = await this.#namespace.get(name);
    const { data } = KvKeyRecord.safeParse(text === null ? null : JSON.parse(text));
    if (data) return data;
    throw new CliError(`${name} of the namespace is no record of an API key.`);
  }

  async #put(record: KvKeyRecord): Promise<KvKeyRecord> {
    await this.#namespace.put(kvKeyName(record.keyHash), JSON.stringify(record));
    return record;
  }

  #ended({ metadata }: KvKeyRecord): JsonObject {
    return { ...metadata, revokedAt: this.#now() };
  }

  #view(record: KvKeyRecord): JsonObject {
    const { active, createdAt, expiresAt, keyId, metadata = {}, name, permissions, userId } = record;
    const expired = expiresAt !== null && expiresAt <= this.#now();
    return {
      keyId,
      name,
      permissions,
      status: active ? (expired ? 'expired' : 'active') : 'revoked',
      createdAt,
      expiresAt,
      revokedAt: active ? null : (metadata.revokedAt ?? createdAt),
      rotatedFrom: metadata.rotatedFrom ?? null,
      ...(userId === undefined ? {} : { userId }),
    };
  }
}

/** A namespace as wrangler reaches it. Only names made here are ever put on its command line. */
class Namespace {
  readonly #host: Pick<CliHost, 'wrangler'>;
  readonly #target: readonly string[];

  constructor(host: Pick<CliHost, 'wrangler'>, namespace: string) {
    this.#host = host;
    const isId = /^[0-9a-f]{32}$/i.test(namespace);
    if (!isId && !/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(namespace)) {
      throw new CliError(`"${namespace}" is neither a binding, such as API_KEYS, nor the id of a namespace.`);
    }
    // Without --remote wrangler writes to a simulation on this machine.
    this.#target = [isId ? '--namespace-id' : '--binding', namespace, '--remote'];
  }

  async names(prefix: string): Promise<string[]> {
    const text = await this.#run(['kv', 'key', 'list', '--prefix', prefix]);
    return LISTED.parse(JSON.parse(text)).map(({ name }) => name);
  }

  async get(name: string): Promise<string | null> {
    const text = (await this.#run(['kv', 'key', 'get', name, '--text'], undefined, true)).trim();
    return text === '' || text === 'Value not found' ? null : text;
  }

  async put(name: string, value: string): Promise<void> {
    await this.#run(['kv', 'key', 'put', name], value);
  }

  async #run(args: readonly string[], value?: string, mayBeMissing = false): Promise<string> {
    const { err, exitCode, out } = await this.#host.wrangler([...args, ...this.#target], value);
    if (exitCode === 0) return out;
    if (mayBeMissing && /404|not found/i.test(`${out}${err}`)) return '';
    throw new CliError(`wrangler failed: ${(err.trim() || out.trim()).slice(0, 500)}`);
  }
}
