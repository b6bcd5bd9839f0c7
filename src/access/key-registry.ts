// All API keys, in memory by hash, and the only writer of their rows. What is live here is committed; what a round has
// decided but not committed is staged beside it. Must never keep a key's text, nor answer from what is staged.
import type { ApiKeyRecord } from '../model/api-key.ts';
import { AppError } from '../model/error.ts';
import type { Transactor } from '../orchestrator/ports.ts';
import type { WriteBatch } from '../store/port.ts';
import type { Principal } from './access.ts';
import { type GeneratedKey, type KeyRequest, keyState } from './api-keys.ts';
import { hashKey, newKeyId, newKeyText } from './key-text.ts';
import { isPermission } from './permissions.ts';

const NAME_LENGTH_MAX = 100;
const PERMISSIONS_MAX = 100;
const PERMISSION_LENGTH_MAX = 255;

export interface LiveKey {
  readonly record: ApiKeyRecord;
  readonly principal: Principal;
}

export class KeyRegistry {
  readonly #transactor: Transactor;
  readonly #byId = new Map<string, LiveKey>();
  readonly #byHash = new Map<string, LiveKey>();
  readonly #staged = new Map<string, ApiKeyRecord>();

  constructor(transactor: Transactor, records: readonly ApiKeyRecord[]) {
    this.#transactor = transactor;
    for (const record of records) this.#admit(record);
    transactor.onLost(() => this.#staged.clear());
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
    const staged: ApiKeyRecord[] = [];
    const result = await this.#transactor.transact((batch, now) =>
      change(now, (record) => {
        staged.push(record);
        this.#staged.set(record.id, record);
        return putRow(batch, record);
      }),
    );
    for (const record of staged) {
      this.#admit(record);
      if (this.#staged.get(record.id) === record) this.#staged.delete(record.id);
    }
    return result;
  }

  #current(id: string): ApiKeyRecord {
    const record = this.#staged.get(id) ?? this.#byId.get(id)?.record;
    if (!record) throw unknownKey(id);
    return record;
  }

  #admit(record: ApiKeyRecord): void {
    const principal = { id: record.id, name: record.name, permissions: record.permissions };
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
    createdMs: now,
    expiresMs: request.expiresMs,
    revokedMs: 0,
    rotatedFrom,
  };
}

function checkRequest({ name, permissions }: KeyRequest): void {
  if (name.trim() === '' || name.length > NAME_LENGTH_MAX) {
    throw new AppError('invalid_request', `An API key needs a name of 1 to ${NAME_LENGTH_MAX} characters.`, [
      { path: 'name', message: `must be 1 to ${NAME_LENGTH_MAX} characters` },
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
    if (isPermission(permission) && permission.length <= PERMISSION_LENGTH_MAX) continue;
    throw new AppError(
      'invalid_request',
      `"${permission}" is not a permission. Use resource:name:action, such as "workflow:billing-*:execute".`,
      [{ path: 'permissions', message: 'must be resource:name:action', invalidValue: permission }],
    );
  }
}

function earlier(expiresMs: number, limitMs: number): number {
  return expiresMs === 0 ? limitMs : Math.min(expiresMs, limitMs);
}

/** Ties go by id, so that the order is the same after a restart. */
function newestFirst(a: ApiKeyRecord, b: ApiKeyRecord): number {
  return b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1);
}
