import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../model/error.ts';
import { Loop } from '../orchestrator/loop.ts';
import { RoundConflict, type Store } from '../store/port.ts';
import { createSqliteStore } from '../store/sqlite/store.ts';
import { callerOf } from './access.fixture.ts';
import type { HeaderLookup } from './access.ts';
import { type AccessOptions, createAccess } from './create-access.ts';
import { withCommit } from './store.fixture.ts';

const LOCAL_KEY = 'cnd_local_test';
const SECRET = new Uint8Array(32).fill(7);
const HOUR_MS = 3_600_000;

let folder: string;
let store: Store;
let loop: Loop;
let now: number;
const clock = { now: () => now };

// One database for all tests: each makes its own keys, and opening one starts two threads.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-access-'));
  store = await createSqliteStore({ path: join(folder, 'test.db') });
  loop = new Loop(store, clock);
});

beforeEach(() => {
  now = Date.UTC(2024, 1, 15);
});

afterAll(async () => {
  await loop.drained();
  await store.close();
  await rm(folder, { recursive: true });
});

function access(options: Partial<AccessOptions> = {}) {
  return createAccess({
    transactor: loop,
    reads: store.reads,
    freshness: null,
    clock,
    tokenSecret: SECRET,
    localKey: LOCAL_KEY,
    ...options,
  });
}

const withKey =
  (key: string): HeaderLookup =>
  (name) =>
    name === 'x-api-key' ? key : undefined;
const withToken =
  (token: string): HeaderLookup =>
  (name) =>
    name === 'x-authorization' ? token : undefined;
const NOTHING: HeaderLookup = () => undefined;

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'accepted';
}

const REQUEST = { name: 'billing', permissions: ['workflow:billing-*:execute'], expiresMs: 0 };

describe('API keys', () => {
  test('a generated key works at once, with its permissions and no others', async () => {
    const it = await access();
    const { key, record } = await it.generateKey(REQUEST);
    const principal = callerOf(it, withKey(key));
    expect(principal).toEqual({ id: record.id, name: 'billing', permissions: REQUEST.permissions });
    expect(it.allows(principal, 'workflow:billing-eu:execute')).toBe(true);
    expect(it.allows(principal, 'workflow:shipping:execute')).toBe(false);
    expect(() => it.require(principal, 'workflow:shipping:execute')).toThrow(
      'Missing required permission: workflow:shipping:execute',
    );
  });

  test('no credential and a wrong credential are refused, each with its code', async () => {
    const it = await access();
    expect(codeOf(() => callerOf(it, NOTHING))).toBe('unauthenticated');
    expect(codeOf(() => callerOf(it, withKey('cnd_live_nope')))).toBe('invalid_credential');
    expect(codeOf(() => callerOf(it, withToken('cnd_tok_nope')))).toBe('invalid_credential');
    expect(codeOf(() => callerOf(it, (name) => (name === 'authorization' ? 'Digest x' : undefined)))).toBe(
      'invalid_credential',
    );
  });

  test('a revoked key is refused from the next request on, and so are its tokens', async () => {
    const it = await access();
    const { key, record } = await it.generateKey(REQUEST);
    const { token } = it.issueToken(record.id, key);
    expect(callerOf(it, withKey(key)).id).toBe(record.id);
    expect(callerOf(it, withToken(token)).id).toBe(record.id);
    await it.revokeKey(record.id);
    expect(codeOf(() => callerOf(it, withKey(key)))).toBe('invalid_credential');
    expect(codeOf(() => callerOf(it, withToken(token)))).toBe('invalid_credential');
    expect(codeOf(() => it.issueToken(record.id, key))).toBe('invalid_credential');
  });

  test('an expired key is refused, and its tokens do not outlive it', async () => {
    const it = await access();
    const { key, record } = await it.generateKey({ ...REQUEST, expiresMs: now + 60_000 });
    const { token, expiresInSeconds } = it.issueToken(record.id, key);
    expect(expiresInSeconds).toBe(60);
    now += 59_999;
    expect(callerOf(it, withKey(key)).id).toBe(record.id);
    expect(callerOf(it, withToken(token)).id).toBe(record.id);
    now += 1;
    expect(codeOf(() => callerOf(it, withKey(key)))).toBe('invalid_credential');
    expect(codeOf(() => callerOf(it, withToken(token)))).toBe('expired_token');
  });

  test('keys and revocations are there after a restart; the text of a key is in no row', async () => {
    const first = await access();
    const kept = await first.generateKey(REQUEST);
    const gone = await first.generateKey(REQUEST);
    await first.revokeKey(gone.record.id);
    const second = await access();
    expect(callerOf(second, withKey(kept.key)).id).toBe(kept.record.id);
    expect(codeOf(() => callerOf(second, withKey(gone.key)))).toBe('invalid_credential');
    expect(JSON.stringify(await store.reads.apiKeys())).not.toContain(kept.key.slice('cnd_live_'.length));
    expect(second.listKeys()).toEqual(first.listKeys());
  });

  test('a rotated key hands its metadata on and ends at once', async () => {
    const it = await access();
    const old = await it.generateKey({ ...REQUEST, expiresMs: now + HOUR_MS });
    now += 1000;
    const fresh = await it.rotateKey(old.record.id, 0);
    expect(fresh.record).toMatchObject({
      name: 'billing',
      permissions: REQUEST.permissions,
      rotatedFrom: old.record.id,
    });
    expect(fresh.record.expiresMs).toBe(now + HOUR_MS);
    expect(codeOf(() => callerOf(it, withKey(old.key)))).toBe('invalid_credential');
    expect(callerOf(it, withKey(fresh.key)).id).toBe(fresh.record.id);
  });

  test('a rotated key with an overlap ends when the overlap does', async () => {
    const it = await access();
    const old = await it.generateKey(REQUEST);
    const fresh = await it.rotateKey(old.record.id, HOUR_MS);
    expect(fresh.record.expiresMs).toBe(0);
    now += HOUR_MS - 1;
    expect(callerOf(it, withKey(old.key)).id).toBe(old.record.id);
    now += 1;
    expect(codeOf(() => callerOf(it, withKey(old.key)))).toBe('invalid_credential');
  });

  test('a key revoked and rotated in the same round stays revoked', async () => {
    const it = await access();
    const { key, record } = await it.generateKey(REQUEST);
    const [revoked, rotated] = await Promise.allSettled([it.revokeKey(record.id), it.rotateKey(record.id, HOUR_MS)]);
    expect(revoked.status).toBe('fulfilled');
    expect(rotated.status).toBe('rejected');
    expect(codeOf(() => callerOf(it, withKey(key)))).toBe('invalid_credential');
    const again = await access();
    expect(again.keyInfo(record.id).revokedMs).toBe(now);
  });

  test('a key rotated and then revoked in the same round is revoked in memory and in the store', async () => {
    const it = await access();
    const { key, record } = await it.generateKey(REQUEST);
    await Promise.all([it.rotateKey(record.id, HOUR_MS), it.revokeKey(record.id)]);
    expect(codeOf(() => callerOf(it, withKey(key)))).toBe('invalid_credential');
    const again = await access();
    expect(codeOf(() => callerOf(again, withKey(key)))).toBe('invalid_credential');
  });

  test('a key whose commit failed never works', async () => {
    const it = await access();
    const before = it.listKeys();
    const failing = loop.transact(() => {
      throw new Error('a round that is lost');
    });
    const lost = it.generateKey(REQUEST);
    await expect(failing).rejects.toThrow();
    await expect(lost).rejects.toThrow();
    expect(it.listKeys()).toEqual(before);
    await it.generateKey(REQUEST);
    expect(await store.reads.apiKeys()).toHaveLength(before.length + 1);
  });

  test('a key made in a round that was lost to another process, and tried again, is there once', async () => {
    const before = await store.reads.apiKeys();
    let lost = 0;
    const rival = new Loop(
      withCommit(store, (round, batch) => {
        lost += 1;
        return lost === 1 ? Promise.reject(new RoundConflict()) : round.commit(batch);
      }),
      clock,
    );
    const it = await access({ transactor: rival });
    const { key, record } = await it.generateKey(REQUEST);
    expect(lost).toBe(2);
    expect(callerOf(it, withKey(key)).id).toBe(record.id);
    expect(it.listKeys()).toHaveLength(before.length + 1);
    expect(await store.reads.apiKeys()).toContainEqual(record);
    expect(await store.reads.apiKeys()).toHaveLength(before.length + 1);
    await rival.drained();
  });

  test.each([
    [{ name: ' ' }, 'name'],
    [{ permissions: [] }, 'permissions'],
    [{ permissions: ['workflow'] }, '"workflow" is not a permission'],
    [{ permissions: ['*', 'ensmble:*'] }, '"ensmble:*" is not a permission. Did you mean "ensemble:*"?'],
  ])('%j is refused', async (wrong, words) => {
    const it = await access();
    await expect(it.generateKey({ ...REQUEST, ...wrong })).rejects.toThrow(words);
  });

  test('unknown ids are not found, revoked keys are not rotated', async () => {
    const it = await access();
    const { record } = await it.generateKey(REQUEST);
    await it.revokeKey(record.id);
    expect(codeOf(() => it.keyInfo('key_none'))).toBe('not_found');
    await expect(it.revokeKey('key_none')).rejects.toMatchObject({ code: 'not_found' });
    await expect(it.rotateKey(record.id, 0)).rejects.toMatchObject({ code: 'conflict' });
    expect((await it.revokeKey(record.id)).revokedMs).toBe(record.createdMs);
  });
});

describe('tokens', () => {
  test('a token stands for its key for an hour, also after a restart', async () => {
    const it = await access();
    const { key, record } = await it.generateKey(REQUEST);
    const { token, expiresInSeconds } = it.issueToken(record.id, key);
    expect(expiresInSeconds).toBe(3600);
    const again = await access();
    expect(callerOf(again, withToken(token))).toMatchObject({ id: record.id, permissions: REQUEST.permissions });
    now += HOUR_MS;
    expect(codeOf(() => callerOf(again, withToken(token)))).toBe('expired_token');
  });

  test('a token also passes as bearer', async () => {
    const it = await access();
    const { key, record } = await it.generateKey(REQUEST);
    const { token } = it.issueToken(record.id, key);
    expect(callerOf(it, (name) => (name === 'authorization' ? `Bearer ${token}` : undefined)).id).toBe(record.id);
  });

  test('any change to a token makes it foreign', async () => {
    const it = await access();
    const { key, record } = await it.generateKey(REQUEST);
    const { token } = it.issueToken(record.id, key);
    for (let i = 'cnd_tok_'.length; i < token.length; i += 1) {
      const changed = `${token.slice(0, i)}${token[i] === '0' ? '1' : '0'}${token.slice(i + 1)}`;
      expect(codeOf(() => callerOf(it, withToken(changed)))).toBe('invalid_credential');
    }
    const elsewhere = await access({ tokenSecret: new Uint8Array(32).fill(8) });
    expect(codeOf(() => callerOf(elsewhere, withToken(token)))).toBe('invalid_credential');
  });

  test('a token is no key secret', async () => {
    const it = await access();
    const { key, record } = await it.generateKey(REQUEST);
    const { token } = it.issueToken(record.id, key);
    expect(codeOf(() => it.issueToken(record.id, token))).toBe('invalid_credential');
  });

  test('a key id and another key give no token', async () => {
    const it = await access();
    const one = await it.generateKey(REQUEST);
    const other = await it.generateKey(REQUEST);
    expect(codeOf(() => it.issueToken(one.record.id, other.key))).toBe('invalid_credential');
    expect(codeOf(() => it.issueToken(one.record.id, 'nope'))).toBe('invalid_credential');
  });

  test('a short secret is refused at the start', async () => {
    await expect(access({ tokenSecret: new Uint8Array(16) })).rejects.toThrow('32 bytes');
  });
});

describe('the local operator', () => {
  test('may do everything, and is not in the list of keys', async () => {
    const it = await access();
    const principal = callerOf(it, withKey(LOCAL_KEY));
    expect(principal.id).toBe('local');
    expect(it.allows(principal, 'anything:at:all')).toBe(true);
    expect(it.listKeys().map((record) => record.id)).not.toContain('local');
    const { token } = it.issueToken('local', LOCAL_KEY);
    expect(callerOf(it, withToken(token)).id).toBe('local');
  });
});

describe('granting', () => {
  test('nobody may grant what they do not hold', async () => {
    const it = await access();
    const { key } = await it.generateKey({ ...REQUEST, permissions: ['keys:*:manage', 'workflow:*:execute'] });
    const principal = callerOf(it, withKey(key));
    expect(it.mayGrant(principal, 'workflow:billing-*:execute')).toBe(true);
    expect(it.mayGrant(principal, 'workflow:*:read')).toBe(false);
    expect(it.mayGrant(principal, '*')).toBe(false);
  });
});

describe('open', () => {
  const from =
    (headers: Record<string, string>): HeaderLookup =>
    (name) =>
      headers[name];

  test('asks nobody for a credential, but answers this machine alone', async () => {
    const it = await access({ open: true });
    for (const host of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'localhost']) {
      expect(callerOf(it, from({ host }))).toMatchObject({ id: 'anonymous', permissions: ['*'] });
    }
    expect(codeOf(() => callerOf(it, from({ host: 'rebound.example:8080' })))).toBe('forbidden');
    expect(codeOf(() => callerOf(it, from({ host: 'localhost', origin: 'https://evil.example' })))).toBe('forbidden');
    expect(codeOf(() => callerOf(it, from({ host: 'localhost', origin: 'null' })))).toBe('forbidden');
    expect(callerOf(it, from({ host: 'localhost', origin: 'http://localhost:5173' })).id).toBe('anonymous');
  });
});
