// All API keys, in memory by hash, and the only writer of their rows. What is live here is committed; what a round has
// decided but not committed is staged beside it. Where other processes write too, all is read anew when they have, and a
// change is decided under their lock. Must never keep a key's text, nor answer from what is staged.
import type { ApiKeyRecord } from '../model/api-key.ts';
import { AppError } from '../model/error.ts';
import type { Transactor } from '../orchestrator/ports.ts';
import type { Freshness } from '../store/freshness.ts';
import type { Round } from '../store/port.ts';
import type { Reads } from '../store/reads.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { Principal } from './access.ts';
import { type GeneratedKey, type KeyRequest, keyState } from './api-keys.ts';
import { permissionFault } from './grantable.ts';
import { hashKey, newKeyId, newKeyText } from './key-text.ts';

const NAME_LENGTH_MAX = 100;
const USER_ID_LENGTH_MAX = 255;
const PERMISSIONS_MAX = 100;

export interface LiveKey {
  readonly record: ApiKeyRecord;
  readonly principal: Principal;
}

export interface KeyRegistryOptions {
  readonly transactor: Transactor;
  readonly reads: Pick<Reads, 'apiKeys'>;
  /** Null where nobody else writes keys. */
  readonly freshness: Freshness | null;
}

export class KeyRegistry {
  readonly #transactor: Transactor;
  readonly #reads: Pick<Reads, 'apiKeys'>;
  readonly #freshness: Freshness | null;
  readonly #byId = new Map<string, LiveKey>();
  readonly #byHash = new Map<string, LiveKey>();
  readonly #staged = new Map<string, ApiKeyRecord>();
  #readsBegun = 0;
  #readShown = 0;

  private constructor({ transactor, reads, freshness }: KeyRegistryOptions) {
    this.#transactor = transactor;
    this.#reads = reads;
    this.#freshness = freshness;
    transactor.onLost(() => this.#staged.clear());
    freshness?.onChange('apiKeys', () => this.#reload());
  }

  /** Rejects when the store does not answer. */
  static async open(options: KeyRegistryOptions): Promise<KeyRegistry> {
    const registry = new KeyRegistry(options);
    // After it has begun to listen: a change during this read is then read again.
    await registry.#reload();
    return registry;
  }

  byHash(hash: string): LiveKey | undefined {
    return this.#byHash.get(hash);
  }

  byId(id: string): LiveKey | undefined {
    return this.#byId.get(id);
  }

  list(): readonly ApiKeyRecord[] {
    return [...this.#byId.values()].map((key) => key.record).sort(newestFirst);
  }

  async generate(request: KeyRequest): Promise<GeneratedKey> {
    checkRequest(request);
    const key = newKeyText();
    const record = await this.#write((now, stage) => stage(newRecord(request, key, now, null)));
    return { key, record };
  }

  revoke(id: string): Promise<ApiKeyRecord> {
    return this.#write((now, stage) => {
      const current = this.#current(id);
      return current.revokedMs === 0 ? stage({ ...current, revokedMs: now }) : current;
    });
  }

  async rotate(id: string, overlapMs: number): Promise<GeneratedKey> {
    const key = newKeyText();
    const record = await this.#write((now, stage) => {
      const old = this.#current(id);
      const state = keyState(old, now);
      if (state !== 'active') throw new AppError('conflict', `API key ${id} is ${state}; generate a new one instead.`);
      const lifeMs = old.expiresMs - old.createdMs;
      const request = { ...old, expiresMs: old.expiresMs === 0 ? 0 : now + lifeMs };
      if (overlapMs === 0) stage({ ...old, revokedMs: now });
      else stage({ ...old, expiresMs: earlier(old.expiresMs, now + overlapMs) });
      return stage(newRecord(request, key, now, id));
    });
    return { key, record };
  }

  /** `change` runs within the round; what it stages becomes live with the commit, before the caller hears of it. */
  async #write(
    change: (now: number, stage: (record: ApiKeyRecord) => ApiKeyRecord) => ApiKeyRecord,
  ): Promise<ApiKeyRecord> {
    let staged: ApiKeyRecord[] = [];
    const result = await this.#transactor.submit({
      load: (round) => this.#refresh(round),
      decide: (batch, now) => {
        // Again from nothing when an earlier round with it was lost: what that one made up never came to be.
        staged = [];
        return change(now, (record) => {
          staged.push(record);
          this.#staged.set(record.id, record);
          return putRow(batch, record);
        });
      },
    });
    for (const record of staged) {
      // No longer staged: a later change took its place, or what is committed has been read since and may be newer.
      if (this.#staged.get(record.id) !== record) continue;
      this.#admit(record);
      this.#staged.delete(record.id);
    }
    return result;
  }

  /** Takes the lock under which keys are written, and with it what others have written. */
  #refresh(round: Round): Promise<void> | undefined {
    const { shared } = round;
    const freshness = this.#freshness;
    if (!shared || !freshness) return undefined;
    return shared.lockStamps().then((stamps) => freshness.accept(stamps));
  }

  /** What is committed takes the place of all that is held, staged rows of committed rounds included. */
  async #reload(): Promise<void> {
    this.#readsBegun += 1;
    const read = this.#readsBegun;
    const records = await this.#reads.apiKeys();
    if (read < this.#readShown) return;
    this.#readShown = read;
    this.#byId.clear();
    this.#byHash.clear();
    this.#staged.clear();
    for (const record of records) this.#admit(record);
  }

  #current(id: string): ApiKeyRecord {
    const record = this.#staged.get(id) ?? this.#byId.get(id)?.record;
    if (!record) throw unknownKey(id);
    return record;
  }

  #admit(record: ApiKeyRecord): void {
    const { id, name, permissions, userId } = record;
    const principal = { id, name, permissions, ...(userId === undefined ? {} : { userId, metadata: { userId } }) };
    const live = { record, principal };
    this.#byId.set(record.id, live);
    this.#byHash.set(record.hash, live);
  }
}

export function unknownKey(id: string): AppError {
  return new AppError('not_found', `There is no API key ${id}.`);
}

/** Two changes to one key may meet in a round; the batch holds a row once, and the later one wins. */
function putRow(batch: WriteBatch, record: ApiKeyRecord): ApiKeyRecord {
  const index = batch.apiKeys.findIndex((row) => row.id === record.id);
  if (index < 0) batch.apiKeys.push(record);
  else batch.apiKeys[index] = record;
  return record;
}

function newRecord(request: KeyRequest, key: string, now: number, rotatedFrom: string | null): ApiKeyRecord {
  return {
    id: newKeyId(),
    name: request.name,
    hash: hashKey(key),
    permissions: [...new Set(request.permissions)],
    ...(request.userId === undefined ? {} : { userId: request.userId }),
    createdMs: now,
    expiresMs: request.expiresMs,
    revokedMs: 0,
    rotatedFrom,
  };
}

function checkRequest({ name, permissions, userId }: KeyRequest): void {
  if (name.trim() === '' || name.length > NAME_LENGTH_MAX) {
    throw new AppError('invalid_request', `An API key needs a name of 1 to ${NAME_LENGTH_MAX} characters.`, [
      { path: 'name', message: `must be 1 to ${NAME_LENGTH_MAX} characters` },
    ]);
  }
  if (userId !== undefined && !isUserId(userId)) {
    throw new AppError('invalid_request', 'The user id of an API key is not one.', [
      { path: 'userId', message: `must be 1 to ${USER_ID_LENGTH_MAX} characters, without spaces around it` },
    ]);
  }
  if (permissions.length === 0 || permissions.length > PERMISSIONS_MAX) {
    throw new AppError(
      'invalid_request',
      `An API key needs 1 to ${PERMISSIONS_MAX} permissions, such as "workflow:*:execute"; "*" is full access.`,
      [{ path: 'permissions', message: `must hold 1 to ${PERMISSIONS_MAX} permissions` }],
    );
  }
  for (const permission of permissions) {
    const fault = permissionFault(permission);
    if (fault === null) continue;
    throw new AppError('invalid_request', `"${permission}" is not a permission. ${fault}`, [
      { path: 'permissions', message: fault, invalidValue: permission },
    ]);
  }
}

function isUserId(text: string): boolean {
  return text !== '' && text.length <= USER_ID_LENGTH_MAX && text.trim() === text && !/\p{Cc}/u.test(text);
}

function earlier(expiresMs: number, limitMs: number): number {
  return expiresMs === 0 ? limitMs : Math.min(expiresMs, limitMs);
}

/** Ties go by id, so that the order is the same after a restart. */
function newestFirst(a: ApiKeyRecord, b: ApiKeyRecord): number {
  return b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1);
}
