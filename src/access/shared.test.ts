// API keys where two processes share one database: what one of them does counts at the next request on the other.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../tests/support/postgres-server.ts';
import { AppError } from '../model/error.ts';
import { Loop } from '../orchestrator/loop.ts';
import { Freshness } from '../store/freshness.ts';
import type { Store } from '../store/port.ts';
import { createPostgresStore } from '../store/postgres/store.ts';
import type { Access, Principal } from './access.ts';
import type { ApiKeys } from './api-keys.ts';
import { createAccess } from './create-access.ts';
import { seenByAll } from './guards/index.ts';
import { createSharedRateLimiter, sharedCounters } from './shared-rate-limiter.ts';
import { withCommit } from './store.fixture.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2024, 1, 15);
const REQUEST = { name: 'billing', permissions: ['workflow:billing-*:execute'], expiresMs: 0 };

interface Replica {
  readonly store: Store;
  readonly loop: Loop;
  readonly access: Access & ApiKeys;
  readonly freshness: Freshness;
}

let one: Replica;
let other: Replica;
let server: TestPostgres;
let database: string;

beforeAll(async () => {
  server = await startPostgres();
  database = await server.createDatabase();
  one = await openReplica(database);
  other = await openReplica(database);
}, 120_000);

afterAll(async () => {
  await close(one);
  await close(other);
  await server?.stop();
});

/** `seen`: the store as the replica's loop sees it. */
async function openReplica(database: string, seen: (store: Store) => Store = (store) => store): Promise<Replica> {
  const store = await createPostgresStore({ url: database });
  if (!store.shared) throw new Error('A Postgres store is shared.');
  const freshness = await Freshness.open(store.shared);
  const loop = new Loop(seen(store), { now: () => NOW_MS });
  const access = await createAccess({
    transactor: loop,
    reads: store.reads,
    freshness,
    clock: { now: () => NOW_MS },
    tokenSecret: new Uint8Array(32).fill(7),
  });
  return { store, loop, access, freshness };
}

async function close(replica: Replica | undefined): Promise<void> {
  await replica?.loop.drained();
  await replica?.store.close();
}

/** As the dispatcher lets a request in. */
async function ask({ access, freshness }: Replica, secret: string, header = 'x-api-key'): Promise<Principal> {
  await freshness.ensure();
  return access.authenticate((name) => (name === header ? secret : undefined));
}

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'accepted';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

/** Promise.withResolvers, which Node 20 lacks. */
function signalled() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

/** What both replicas and the database say of the keys; fails when they do not say the same. */
async function agreed() {
  await Promise.all([one.freshness.ensure(), other.freshness.ensure()]);
  const listed = one.access.listKeys();
  expect(other.access.listKeys()).toEqual(listed);
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  expect([...(await one.store.reads.apiKeys())].sort(byId)).toEqual([...listed].sort(byId));
  return listed;
}

const heirsOf = async (id: string) => (await agreed()).filter(({ rotatedFrom }) => rotatedFrom === id);

describe('API keys of two processes on one database', () => {
  test('a key generated on one works at once on the other, with its permissions', async () => {
    const { key, record } = await one.access.generateKey(REQUEST);
    const principal = await ask(other, key);
    expect(principal).toEqual({ id: record.id, name: 'billing', permissions: REQUEST.permissions });
    expect(other.access.allows(principal, 'workflow:billing-eu:execute')).toBe(true);
    expect(other.access.allows(principal, 'workflow:shipping:execute')).toBe(false);
    expect((await agreed()).map(({ id }) => id)).toContain(record.id);
  });

  test('a key revoked on one is refused at its next request on the other, and so are its tokens', async () => {
    const { key, record } = await one.access.generateKey(REQUEST);
    await ask(other, key);
    const { token } = other.access.issueToken(record.id, key);
    expect((await ask(other, token, 'x-authorization')).id).toBe(record.id);
    await one.access.revokeKey(record.id);
    expect(await codeOf(ask(other, key))).toBe('invalid_credential');
    expect(await codeOf(ask(other, token, 'x-authorization'))).toBe('invalid_credential');
    expect(() => other.access.issueToken(record.id, key)).toThrow('revoked');
  });

  test('a token of one is good on the other for as long as its key lives', async () => {
    const { key, record } = await one.access.generateKey(REQUEST);
    const { token } = one.access.issueToken(record.id, key);
    expect((await ask(other, token, 'x-authorization')).id).toBe(record.id);
    await other.access.rotateKey(record.id, 0);
    expect(await codeOf(ask(one, token, 'x-authorization'))).toBe('invalid_credential');
  });

  test('permissions that change count at the next request on the other', async () => {
    const { key, record } = await one.access.generateKey(REQUEST);
    const before = await ask(other, key);
    expect(other.access.allows(before, 'workflow:billing-eu:execute')).toBe(true);
    await one.loop.submit({
      load: async (round) => void (await round.shared?.lockStamps()),
      decide: (batch) => void batch.apiKeys.push({ ...record, permissions: ['workflow:shipping:read'] }),
    });
    const after = await ask(other, key);
    expect(other.access.allows(after, 'workflow:billing-eu:execute')).toBe(false);
    expect(other.access.allows(after, 'workflow:shipping:read')).toBe(true);
  });

  test('a key that both rotate at once has one heir', async () => {
    for (let i = 0; i < 10; i += 1) {
      const { key, record } = await one.access.generateKey(REQUEST);
      await other.freshness.ensure();
      const outcomes = await Promise.all([
        codeOf(one.access.rotateKey(record.id, 0)),
        codeOf(other.access.rotateKey(record.id, 0)),
      ]);
      expect(outcomes.sort()).toEqual(['accepted', 'conflict']);
      const heirs = await heirsOf(record.id);
      expect(heirs).toMatchObject([{ revokedMs: 0 }]);
      for (const replica of [one, other]) expect(await codeOf(ask(replica, key))).toBe('invalid_credential');
    }
  });

  test('a key that one rotates while the other revokes it is revoked on both, whoever comes first', async () => {
    for (let i = 0; i < 10; i += 1) {
      const overlapMs = i % 2 === 0 ? 0 : HOUR_MS;
      const { key, record } = await one.access.generateKey(REQUEST);
      await other.freshness.ensure();
      const [revoked, rotated] = await Promise.all([
        codeOf(one.access.revokeKey(record.id)),
        codeOf(other.access.rotateKey(record.id, overlapMs)),
      ]);
      expect(revoked).toBe('accepted');
      expect(await heirsOf(record.id)).toHaveLength(rotated === 'accepted' ? 1 : 0);
      for (const replica of [one, other]) {
        expect(replica.access.keyInfo(record.id).revokedMs).toBe(NOW_MS);
        expect(await codeOf(ask(replica, key))).toBe('invalid_credential');
      }
    }
  });

  test('a key rotated by both with an overlap has the heirs that were answered, and no others', async () => {
    const { key, record } = await one.access.generateKey(REQUEST);
    await other.freshness.ensure();
    const made = await Promise.all([
      one.access.rotateKey(record.id, HOUR_MS),
      other.access.rotateKey(record.id, HOUR_MS),
    ]);
    const heirs = await heirsOf(record.id);
    expect(heirs.map(({ id }) => id).sort()).toEqual(made.map((heir) => heir.record.id).sort());
    expect(one.access.keyInfo(record.id)).toMatchObject({ revokedMs: 0, expiresMs: NOW_MS + HOUR_MS });
    for (const replica of [one, other]) {
      expect((await ask(replica, key)).id).toBe(record.id);
      for (const heir of made) expect((await ask(replica, heir.key)).id).toBe(heir.record.id);
    }
  });

  test('many changes at once leave both with what is committed', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => one.access.generateKey(REQUEST)));
    await other.freshness.ensure();
    const acts = made.flatMap(({ record: { id } }, i) => [
      codeOf(i % 3 === 0 ? one.access.revokeKey(id) : one.access.rotateKey(id, i % 2 === 0 ? 0 : HOUR_MS)),
      codeOf(i % 3 === 1 ? other.access.revokeKey(id) : other.access.rotateKey(id, 0)),
      codeOf(ask(one, made[i]?.key ?? '')),
      codeOf(ask(other, made[i]?.key ?? '')),
    ]);
    const outcomes = await Promise.all(acts);
    expect(outcomes.filter((code) => !['accepted', 'conflict', 'invalid_credential'].includes(code))).toEqual([]);
    await agreed();
  });

  test('a commit whose answer comes late does not bring back a key that the other has revoked since', async () => {
    const { key, record } = await other.access.generateKey(REQUEST);
    const committed = signalled();
    const answered = signalled();
    const slow = await openReplica(database, (store) =>
      withCommit(store, async (round, batch) => {
        await round.commit(batch);
        committed.resolve();
        await answered.promise;
      }),
    );
    const rotated = slow.access.rotateKey(record.id, HOUR_MS);
    await committed.promise;
    await other.access.revokeKey(record.id);
    expect(await codeOf(ask(slow, key))).toBe('invalid_credential');
    answered.resolve();
    await rotated;
    expect(await codeOf(ask(slow, key))).toBe('invalid_credential');
    await close(slow);
  });
});

describe('counts of two processes on one database', () => {
  const countersOf = ({ store }: Replica) => {
    if (!store.shared) throw new Error('A Postgres store is shared.');
    return sharedCounters(store.shared);
  };

  test('a rate limit is one for both, exactly', async () => {
    const [a, b] = [one, other].map((replica) => createSharedRateLimiter(countersOf(replica), { now: () => NOW_MS }));
    const takes = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? a : b)?.take('user:7', 30, 60));
    const allowed = (await Promise.all(takes)).filter((taken) => taken?.allowed);
    expect(allowed.map((taken) => taken?.remaining).sort((x = 0, y = 0) => x - y)).toEqual(
      Array.from({ length: 30 }, (_, i) => i),
    );
    expect((await b?.take('user:8', 30, 60))?.remaining).toBe(29);
  });

  test('a signature that one accepted is refused by the other', async () => {
    const [a, b] = [one, other].map((replica) => seenByAll(countersOf(replica)));
    const outcomes = await Promise.all([a, b, a, b].map((seen) => seen?.first('hook', 'ab12', NOW_MS + HOUR_MS)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await b?.first('hook', 'cd34', NOW_MS + HOUR_MS)).toBe(true);
  });
});
