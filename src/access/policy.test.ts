// What a server's configuration says of credentials, at work on the one chain.
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../model/error.ts';
import { startUnkeySimulator } from '../testing/simulators/unkey/index.ts';
import { accessOnDisk, callerOf, outcomeOf, withHeaders } from './access.fixture.ts';
import { CredentialError } from './credential-error.ts';
import { type KvKeyRecord, kvKeyName, kvKeyRecord } from './key-store.ts';
import { hashKey, newKeyText } from './key-text.ts';
import { kvKeyStore } from './kv-key-store.ts';
import { kvSessions, sessionName } from './sessions.ts';

const SECRET = 'a secret that is at least thirty-two bytes long';
const STATIC_KEY = 'static-key-of-the-configuration';

let now: number;
const clock = { now: () => now };
let disk: Awaited<ReturnType<typeof accessOnDisk>>;

beforeAll(async () => {
  disk = await accessOnDisk(clock);
});
beforeEach(() => {
  now = Date.UTC(2024, 1, 15);
});
afterAll(() => disk?.close());

const bearer = (text: string) => withHeaders({ authorization: `Bearer ${text}` });
const key = (text: string) => withHeaders({ 'x-api-key': text });
const basic = (pair: string) => withHeaders({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
const NOTHING = withHeaders({});

function jwt(claims: Record<string, unknown> = {}): Promise<string> {
  const payload = { sub: 'user_1', exp: now / 1000 + 60, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET));
}

/** A namespace as a platform offers it. */
function namespace(entries: Record<string, unknown> = {}) {
  const texts = new Map(Object.entries(entries).map(([name, value]) => [name, JSON.stringify(value)]));
  return { texts, get: async (name: string) => texts.get(name) ?? null };
}

function record(text: string, changes: Partial<KvKeyRecord> = {}): Record<string, KvKeyRecord> {
  const made: KvKeyRecord = {
    keyId: 'key_kv1',
    name: 'billing',
    keyHash: hashKey(text),
    permissions: ['ensemble:billing-*:execute'],
    createdAt: 1,
    expiresAt: null,
    active: true,
    ...changes,
  };
  return { [kvKeyName(hashKey(text))]: made };
}

describe('without a policy', () => {
  test('S5: everybody is asked for a credential, on the execute API too', async () => {
    const it = await disk.access();
    expect(await outcomeOf(() => it.authenticate(NOTHING))).toBe('unauthenticated');
    expect(await outcomeOf(() => it.authenticate(NOTHING, 'executeApi'))).toBe('unauthenticated');
    expect(await outcomeOf(async () => it.authenticate(bearer(await jwt())))).toBe('invalid_credential');
  });

  test('who is refused is told the scheme to use', async () => {
    const it = await disk.access();
    expect(() => callerOf(it, NOTHING)).toThrow(CredentialError);
    try {
      callerOf(it, NOTHING);
    } catch (error) {
      expect(error instanceof CredentialError && error.headers).toEqual({
        'www-authenticate': 'Bearer realm="Conductor API"',
      });
    }
  });
});

describe('S29: requireAuth: false', () => {
  test.each([{ requireAuth: false }, { allowAnonymous: true }])(
    '%j opens the execute API and nothing else',
    async (policy) => {
      const it = await disk.access({ policy });
      const caller = await it.authenticate(NOTHING, 'executeApi');
      expect(caller.id).toBe('anonymous');
      // With autoPermissions on, too: what is asked for then is this.
      expect(it.allows(caller, 'ensemble:foo:execute')).toBe(true);
      expect(it.allows(caller, 'agent:http:execute')).toBe(true);
      for (const own of ['keys:*:manage', 'workflow:foo:execute', 'vault:stripe:issue', 'task:x:poll', '*']) {
        expect(it.allows(caller, own)).toBe(false);
        expect(await outcomeOf(() => it.require(caller, own))).toBe('unauthenticated');
      }
      expect(await outcomeOf(() => it.authenticate(NOTHING))).toBe('unauthenticated');
    },
  );

  test('a bad credential is refused all the same', async () => {
    const it = await disk.access({ policy: { requireAuth: false } });
    for (const bad of [
      key('cnd_live_nope'),
      bearer('nope'),
      basic('a:b'),
      withHeaders({ authorization: 'Digest x' }),
    ]) {
      expect(await outcomeOf(() => it.authenticate(bad, 'executeApi'))).toBe('invalid_credential');
    }
  });
});

describe('S15: keys of the configuration', () => {
  test('have full access, by header or bearer, and their ids hold nothing of them', async () => {
    const it = await disk.access({ policy: { staticKeys: ['another-static-key', STATIC_KEY] } });
    for (const header of [key(STATIC_KEY), bearer(STATIC_KEY)]) {
      expect(callerOf(it, header)).toEqual({
        id: 'static_2',
        name: 'auth.apiKeys 2',
        permissions: ['*'],
        method: 'static',
      });
    }
    expect(await outcomeOf(() => it.authenticate(key(STATIC_KEY.slice(0, -1))))).toBe('invalid_credential');
    expect(await outcomeOf(() => it.issueToken('static_2', STATIC_KEY))).toBe('invalid_credential');
  });

  test('an empty or short one stops the start', async () => {
    await expect(disk.access({ policy: { staticKeys: [''] } })).rejects.toThrow('key 1 is empty');
    await expect(disk.access({ policy: { staticKeys: [STATIC_KEY, 'short'] } })).rejects.toThrow('key 2 has fewer');
  });
});

describe('S6: every method on one chain', () => {
  test('a JWT as bearer, beside keys that are still answered for at once', async () => {
    const it = await disk.access({ policy: { jwt: { secret: SECRET } } });
    expect(await it.authenticate(bearer(await jwt({ scope: 'ensemble:*' })))).toMatchObject({
      id: 'user_1',
      method: 'jwt',
    });
    const made = await it.generateKey({ name: 'n', permissions: ['*'], expiresMs: 0 });
    expect(callerOf(it, bearer(made.key)).id).toBe(made.record.id);
    expect(await outcomeOf(async () => it.authenticate(bearer(await jwt({ exp: now / 1000 - 60 }))))).toBe(
      'expired_token',
    );
    // A JWT is no API key.
    expect(await outcomeOf(async () => it.authenticate(key(await jwt())))).toBe('invalid_credential');
  });

  test('a JWT without permissions is known and may do nothing that asks for one', async () => {
    const it = await disk.access({ policy: { jwt: { secret: SECRET } } });
    const caller = await it.authenticate(bearer(await jwt()));
    expect(await outcomeOf(() => it.require(caller, 'ensemble:foo:execute'))).toBe('forbidden');
  });

  test('S16: a key of Unkey, and none of ours is ever shown there', async () => {
    const simulator = await startUnkeySimulator(clock.now);
    simulator.keys.set('uk_customer', { keyId: 'key_u', permissions: ['ensemble:*:execute'] });
    const unkey = { rootKey: simulator.rootKey, serverUrl: simulator.origin };
    const it = await disk.access({ policy: { unkey }, fetch: (input, init) => fetch(input, init) });
    const caller = await it.authenticate(bearer('uk_customer'));
    expect([caller.id, it.allows(caller, 'ensemble:foo:execute')]).toEqual(['key_u', true]);
    expect((await it.authenticate(key('uk_customer'))).id).toBe('key_u');
    expect(await outcomeOf(() => it.authenticate(key('uk_unknown')))).toBe('invalid_credential');
    const made = await it.generateKey({ name: 'n', permissions: ['*'], expiresMs: 0 });
    expect(callerOf(it, key(made.key)).id).toBe(made.record.id);
    expect(await outcomeOf(() => it.authenticate(key(newKeyText())))).toBe('invalid_credential');
    expect(simulator.asked.map((asked) => asked.key)).toEqual(['uk_customer', 'uk_customer', 'uk_unknown']);
    simulator.fault = 'error';
    expect(await outcomeOf(() => it.authenticate(bearer('uk_customer')))).toBe('auth_unavailable');
    await simulator.close();
  });

  test('S16: Unkey without its package stops the start', async () => {
    const unkey = { rootKey: 'x', load: () => Promise.reject(new Error('not found')) };
    const started = disk.access({ policy: { unkey }, fetch: (input, init) => fetch(input, init) });
    await expect(started).rejects.toThrow('npm install @unkey/api');
  });

  test('a user name and a password, which may hold colons and any letter', async () => {
    const users = [
      { user: 'ann', password: 'a:b:c', permissions: ['ensemble:*'] },
      { user: 'bob', password: 'pässwörd' },
    ];
    const it = await disk.access({ policy: { basic: users } });
    expect(callerOf(it, basic('ann:a:b:c'))).toMatchObject({
      id: 'basic:ann',
      permissions: ['ensemble:*'],
      method: 'basic',
    });
    expect(callerOf(it, basic('bob:pässwörd')).id).toBe('basic:bob');
    for (const wrong of ['ann:a:b', 'ann:a', 'ann:', 'ann', 'ann:a:b:c:', ':a:b:c', 'Ann:a:b:c', 'bob:a:b:c', '']) {
      expect(await outcomeOf(() => it.authenticate(basic(wrong)))).toBe('invalid_credential');
    }
    // An API key as user name still passes.
    const made = await it.generateKey({ name: 'n', permissions: ['*'], expiresMs: 0 });
    expect(callerOf(it, basic(`${made.key}:`)).id).toBe(made.record.id);
  });
});

describe('S9: keys in a KV namespace', () => {
  test('work by header and bearer, with their permissions and metadata', async () => {
    const text = newKeyText();
    const kv = namespace(record(text, { userId: 'user_9', metadata: { team: 'eu' } }));
    const it = await disk.access({ policy: { keyStore: kvKeyStore(kv, clock) } });
    for (const header of [key(text), bearer(text)]) {
      const caller = await it.authenticate(header);
      expect(caller).toMatchObject({ id: 'key_kv1', metadata: { userId: 'user_9', team: 'eu' } });
      expect(it.allows(caller, 'ensemble:billing-eu:execute')).toBe(true);
      expect(it.allows(caller, 'ensemble:shipping:execute')).toBe(false);
    }
    expect(await outcomeOf(() => it.authenticate(key(newKeyText())))).toBe('invalid_credential');
  });

  test('the text of a key is in no name and no value', async () => {
    const it = await disk.access();
    const made = await it.generateKey({ name: 'billing', permissions: ['*'], expiresMs: 0 });
    const kept = JSON.stringify([kvKeyName(made.record.hash), kvKeyRecord(made.record)]);
    expect(kept).not.toContain(made.key.slice('cnd_live_'.length, -6));
    const kv = namespace({ [kvKeyName(made.record.hash)]: kvKeyRecord(made.record) });
    const edge = await disk.access({ policy: { keyStore: kvKeyStore(kv, clock) }, reads: { apiKeys: async () => [] } });
    expect((await edge.authenticate(key(made.key))).id).toBe(made.record.id);
  });

  test('a change holds from the next request on', async () => {
    const text = newKeyText();
    const kv = namespace(record(text));
    const it = await disk.access({ policy: { keyStore: kvKeyStore(kv, clock) } });
    expect(await outcomeOf(() => it.authenticate(key(text)))).toBe('accepted');
    for (const gone of [{ active: false }, { expiresAt: now }]) {
      kv.texts.set(kvKeyName(hashKey(text)), JSON.stringify(record(text, gone)[kvKeyName(hashKey(text))]));
      expect(await outcomeOf(() => it.authenticate(key(text)))).toBe('invalid_credential');
    }
    kv.texts.clear();
    expect(await outcomeOf(() => it.authenticate(key(text)))).toBe('invalid_credential');
  });

  test('a key is not its own name: a record under the plain text lets nobody in', async () => {
    const text = newKeyText();
    const plain = namespace({ [text]: Object.values(record(text))[0] });
    const it = await disk.access({ policy: { keyStore: kvKeyStore(plain, clock) } });
    expect(await outcomeOf(() => it.authenticate(key(text)))).toBe('invalid_credential');
  });

  test('a record of another key, or none at all, lets nobody in; nor does a namespace that is silent', async () => {
    const text = newKeyText();
    const swapped = namespace({ [kvKeyName(hashKey(text))]: Object.values(record(newKeyText()))[0] });
    const broken = namespace({ [kvKeyName(hashKey(text))]: { active: true } });
    for (const kv of [swapped, broken]) {
      const it = await disk.access({ policy: { keyStore: kvKeyStore(kv, clock) } });
      await expect(async () => it.authenticate(key(text))).rejects.toThrow('not an API key record');
    }
    const silent = { get: () => Promise.reject(new Error('gone')) };
    const it = await disk.access({ policy: { keyStore: kvKeyStore(silent, clock) } });
    expect(await outcomeOf(() => it.authenticate(key(text)))).toBe('auth_unavailable');
  });
});

describe('sessions by cookie', () => {
  const TOKEN = 'session-token-1';
  async function withSession(expiresMs = now + 1000) {
    const session = { userId: 'user_5', permissions: ['ensemble:*'], roles: ['editor'], expiresMs };
    // A record that the session memory of a run might have, under the token itself.
    const kv = namespace({ [sessionName(TOKEN)]: session, [`session:${'x'.repeat(10)}`]: session, [TOKEN]: session });
    return disk.access({ policy: { cookie: { name: 'session_token', sessions: kvSessions(kv) } } });
  }
  const cookie = (value: string, more: Record<string, string> = {}) => withHeaders({ cookie: value, ...more });

  test('a session is its user until it ends', async () => {
    const it = await withSession();
    const header = cookie(`a=1; session_token=${TOKEN}; b=2`);
    expect(await it.authenticate(header)).toMatchObject({ id: 'user_5', roles: ['editor'], method: 'cookie' });
    now += 1000;
    expect(await outcomeOf(() => it.authenticate(header))).toBe('expired_token');
  });

  test('an unknown, doubled or missing one lets nobody in', async () => {
    const it = await withSession();
    expect(await outcomeOf(() => it.authenticate(cookie('session_token=nope')))).toBe('invalid_credential');
    expect(await outcomeOf(() => it.authenticate(cookie(`session_token=${'x'.repeat(10)}`)))).toBe(
      'invalid_credential',
    );
    const twice = cookie(`session_token=evil; session_token=${TOKEN}`);
    expect(await outcomeOf(() => it.authenticate(twice))).toBe('invalid_credential');
    expect(await outcomeOf(() => it.authenticate(cookie(`session_token=; xsession_token=${TOKEN}`)))).toBe(
      'unauthenticated',
    );
  });

  test('a page of another site cannot use it', async () => {
    const it = await withSession();
    const outcome = (more: Record<string, string>) =>
      outcomeOf(() => it.authenticate(cookie(`session_token=${TOKEN}`, { host: 'app.example', ...more })));
    expect(await outcome({ origin: 'https://evil.example' })).toBe('forbidden');
    expect(await outcome({ origin: 'null' })).toBe('forbidden');
    expect(await outcome({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe('forbidden');
    expect(await outcome({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', origin: 'null' })).toBe(
      'forbidden',
    );
    expect(await outcome({ origin: 'https://app.example' })).toBe('accepted');
    expect(await outcome({ 'sec-fetch-site': 'same-origin', origin: 'https://app.example' })).toBe('accepted');
    expect(await outcome({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe('accepted');
  });
});

describe('two credentials in one request', () => {
  test('the first one decides, and a bad one is not passed over for a good one', async () => {
    const it = await disk.access({ policy: { staticKeys: [STATIC_KEY], jwt: { secret: SECRET } } });
    const good = { key: STATIC_KEY, bearer: `Bearer ${STATIC_KEY}` };
    const both = (apiKey: string, authorization: string) => withHeaders({ 'x-api-key': apiKey, authorization });
    expect(await outcomeOf(() => it.authenticate(both('bad-key-of-somebody', good.bearer)))).toBe('invalid_credential');
    expect(await outcomeOf(() => it.authenticate(both(good.key, 'Bearer bad')))).toBe('accepted');
    const tokenFirst = withHeaders({ 'x-authorization': 'cnd_tok_bad', authorization: good.bearer });
    expect(await outcomeOf(() => it.authenticate(tokenFirst))).toBe('invalid_credential');
    // Sent twice, a header arrives joined: that is no key of anybody.
    expect(await outcomeOf(() => it.authenticate(key(`${good.key}, ${good.key}`)))).toBe('invalid_credential');
  });

  test('an unknown scheme is refused before the cookie is looked at', async () => {
    const sessions = { get: async () => ({ userId: 'u', permissions: [], roles: [], expiresMs: now + 1 }) };
    const it = await disk.access({ policy: { cookie: { name: 's', sessions } } });
    const header = withHeaders({ authorization: 'Negotiate x', cookie: 's=1' });
    expect(await outcomeOf(() => it.authenticate(header))).toBe('invalid_credential');
  });
});

test('a refusal never holds what was sent', async () => {
  const it = await disk.access({
    policy: { jwt: { secret: SECRET }, basic: [{ user: 'ann', password: 'right-one' }] },
  });
  for (const header of [key('sent-secret-text'), bearer('sent-secret-text'), basic('ann:sent-secret-text')]) {
    const error = await Promise.resolve()
      .then(() => it.authenticate(header))
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AppError);
    expect(String(error)).not.toContain('sent-secret-text');
  }
});
