// Triggers' own rules, each as its YAML says it.
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TriggerAccess, TriggerAuth } from '../../model/trigger.ts';
import { accessOnDisk, guarded, outcomeOf } from '../access.fixture.ts';
import { CredentialError } from '../credential-error.ts';
import { kvKeyName } from '../key-store.ts';
import { hashKey, newKeyText } from '../key-text.ts';
import { kvKeyStore } from '../kv-key-store.ts';
import type { AccessPolicy } from '../policy.ts';
import { createGuard } from './create-guard.ts';
import type { GuardDeps } from './guard-deps.ts';
import { seenInMemory } from './seen-signatures.ts';

const SECRET = 'a secret that is at least thirty-two bytes long';
const OTHER = 'another secret, of the server and not the trigger';

let now: number;
const clock = { now: () => now };
let disk: Awaited<ReturnType<typeof accessOnDisk>>;
let warnings: string[];

beforeAll(async () => {
  disk = await accessOnDisk(clock);
});
beforeEach(() => {
  now = Date.UTC(2024, 1, 15);
  warnings = [];
});
afterAll(() => disk?.close());

const ENVIRONMENT = { JWT_SECRET: SECRET, EMPTY: '', USERS: 'ann:one,bob:two', PASSWORD: 'a:b,c', SHORT: 'short' };

async function deps(policy: Partial<AccessPolicy> = {}, environment: GuardDeps['environment'] = ENVIRONMENT) {
  const access = await disk.access({ policy });
  const made: GuardDeps = {
    access,
    environment,
    fetch: () => Promise.reject(new TypeError('no way out')),
    clock,
    seen: seenInMemory(clock),
    warn: (message) => warnings.push(message),
    trigger: 'ensemble "billing", trigger 1',
  };
  return { ...made, access };
}

const asks = (auth: TriggerAuth | null, more: Partial<TriggerAccess> = {}): TriggerAccess => ({
  auth,
  permissions: [],
  roles: [],
  ...more,
});
const BEARER = {
  type: 'bearer',
  secret: '${env.JWT_SECRET}',
  jwksUrl: null,
  issuer: null,
  audience: null,
  algorithms: [],
} as const;
const CONFIGURED = { type: 'configured', requirement: 'required', methods: [], customValidator: null } as const;
const bearer = (text: string) => guarded({ authorization: `Bearer ${text}` });
const basic = (pair: string) => guarded({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
const NOTHING = guarded({});

function jwt(claims: Record<string, unknown> = {}, secret = SECRET): Promise<string> {
  const payload = { sub: 'user_1', exp: now / 1000 + 60, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
}

describe('public and configured', () => {
  test('S1: public asks nobody, and says so', async () => {
    expect(await createGuard(asks(null), await deps())(NOTHING)).toMatchObject({ id: 'anonymous', permissions: [] });
    const contradiction = asks(null, { permissions: ['ensemble:a:execute'] });
    await expect(async () => createGuard(contradiction, await deps())).rejects.toThrow('public');
  });

  test('S2: public: false alone means any credential that the server accepts', async () => {
    const made = await deps({ jwt: { secret: SECRET }, basic: [{ user: 'ann', password: 'one-two' }] });
    const guard = createGuard(asks(CONFIGURED), made);
    const { key, record } = await made.access.generateKey({ name: 'n', permissions: ['*'], expiresMs: 0 });
    expect(guard(guarded({ 'x-api-key': key }))).toMatchObject({ id: record.id });
    expect((await guard(bearer(await jwt()))).id).toBe('user_1');
    expect((await guard(basic('ann:one-two'))).id).toBe('basic:ann');
    expect(await outcomeOf(() => guard(NOTHING))).toBe('unauthenticated');
    expect(await outcomeOf(() => guard(bearer('nope')))).toBe('invalid_credential');
  });

  test('S2: it stays closed where the execute API is open', async () => {
    const guard = createGuard(asks(CONFIGURED), await deps({ requireAuth: false }));
    expect(await outcomeOf(() => guard(NOTHING))).toBe('unauthenticated');
  });

  test('optional lets in who sends nothing, and refuses who sends something wrong', async () => {
    const guard = createGuard(asks({ ...CONFIGURED, requirement: 'optional' }), await deps());
    expect((await guard(NOTHING)).id).toBe('anonymous');
    expect(await outcomeOf(() => guard(bearer('nope')))).toBe('invalid_credential');
    const strict = asks({ ...CONFIGURED, requirement: 'optional' }, { permissions: ['ensemble:a:execute'] });
    const demanding = createGuard(strict, await deps());
    expect(await outcomeOf(() => demanding(NOTHING))).toBe('unauthenticated');
  });

  test('listed methods are the only ones', async () => {
    const made = await deps({ jwt: { secret: SECRET }, basic: [{ user: 'ann', password: 'one-two' }] });
    const { key } = await made.access.generateKey({ name: 'n', permissions: ['*'], expiresMs: 0 });
    const onlyBasic = createGuard(asks({ ...CONFIGURED, methods: ['basic'] }), made);
    expect(await outcomeOf(() => onlyBasic(basic('ann:one-two')))).toBe('accepted');
    expect(await outcomeOf(() => onlyBasic(guarded({ 'x-api-key': key })))).toBe('invalid_credential');
    const onlyKeys = createGuard(asks({ ...CONFIGURED, methods: ['apiKey'] }), made);
    expect(await outcomeOf(() => onlyKeys(guarded({ 'x-api-key': key })))).toBe('accepted');
    expect(await outcomeOf(async () => onlyKeys(bearer(await jwt())))).toBe('invalid_credential');
    expect(await outcomeOf(() => onlyKeys(basic('ann:one-two')))).toBe('invalid_credential');
  });

  test('all permissions and any of the roles', async () => {
    const made = await deps({ jwt: { secret: SECRET } });
    const rules = { permissions: ['ensemble:a:execute', 'agent:b:execute'], roles: ['admin', 'editor'] };
    const guard = createGuard(asks(CONFIGURED, rules), made);
    const outcome = (claims: Record<string, unknown>) => outcomeOf(async () => guard(bearer(await jwt(claims))));
    expect(await outcome({ permissions: ['ensemble:*', 'agent:*'], roles: ['editor'] })).toBe('accepted');
    expect(await outcome({ permissions: ['ensemble:*'], roles: ['editor'] })).toBe('forbidden');
    expect(await outcome({ permissions: ['*'], roles: ['viewer'] })).toBe('forbidden');
    expect(await outcome({ permissions: ['*'] })).toBe('forbidden');
    expect(await outcomeOf(() => guard(NOTHING))).toBe('unauthenticated');
  });
});

describe('S7: bearer with a secret of the trigger', () => {
  test('is a JWT signed with it, or the secret itself', async () => {
    const guard = createGuard(asks(BEARER), await deps());
    expect(await guard(bearer(await jwt({ scope: 'ensemble:a:execute' })))).toMatchObject({
      id: 'user_1',
      permissions: ['ensemble:a:execute'],
    });
    expect((await guard(bearer(SECRET))).permissions).toEqual([]);
    for (const wrong of [SECRET.slice(1), `${SECRET}x`, 'x', await jwt({}, OTHER)]) {
      expect(await outcomeOf(() => guard(bearer(wrong)))).toBe('invalid_credential');
    }
    expect(await outcomeOf(async () => guard(bearer(await jwt({ exp: 1 }))))).toBe('expired_token');
    expect(await outcomeOf(() => guard(NOTHING))).toBe('unauthenticated');
    expect(await outcomeOf(() => guard(basic('a:b')))).toBe('invalid_credential');
  });

  test('stands for itself: neither the configured JWT secret nor an API key opens it', async () => {
    const made = await deps({ jwt: { secret: OTHER } }, { TRIGGER_SECRET: SECRET, JWT_SECRET: OTHER });
    const guard = createGuard(asks({ ...BEARER, secret: '$env.TRIGGER_SECRET' }), made);
    const { key } = await made.access.generateKey({ name: 'n', permissions: ['*'], expiresMs: 0 });
    expect(await outcomeOf(async () => guard(bearer(await jwt())))).toBe('accepted');
    expect(await outcomeOf(async () => guard(bearer(await jwt({}, OTHER))))).toBe('invalid_credential');
    expect(await outcomeOf(() => guard(bearer(key)))).toBe('invalid_credential');
    expect(await outcomeOf(() => guard(guarded({ 'x-api-key': key })))).toBe('unauthenticated');
  });

  test('issuer and audience of the trigger count', async () => {
    const guard = createGuard(asks({ ...BEARER, issuer: 'me', audience: 'you' }), await deps());
    expect(await outcomeOf(async () => guard(bearer(await jwt({ iss: 'me', aud: 'you' }))))).toBe('accepted');
    expect(await outcomeOf(async () => guard(bearer(await jwt({ iss: 'me', aud: 'else' }))))).toBe(
      'invalid_credential',
    );
  });

  test('without a secret it is the configured JWT, and without that it does not load', async () => {
    const guard = createGuard(asks({ ...BEARER, secret: null }), await deps({ jwt: { secret: OTHER } }));
    expect(await outcomeOf(async () => guard(bearer(await jwt({}, OTHER))))).toBe('accepted');
    await expect(async () => createGuard(asks({ ...BEARER, secret: null }), await deps())).rejects.toThrow(
      'needs a secret',
    );
  });

  test.each(['${env.UNSET}', '$env.UNSET', '{{env.UNSET}}', '{{ env.UNSET }}', '${ env.UNSET }', 'x${env.UNSET}'])(
    'the unset %s is an error when it is mounted, naming trigger and variable',
    async (secret) => {
      const made = await deps();
      expect(() => createGuard(asks({ ...BEARER, secret }), made)).toThrow(
        'ensemble "billing", trigger 1: the environment variable UNSET is not set',
      );
    },
  );

  test.each([
    ['${env.EMPTY}', 'EMPTY is empty'],
    ['', 'the secret is empty'],
    ['${input.secret}', 'another expression'],
    ['{{ secret }}', 'another expression'],
    ['$env.', 'another expression'],
    ['${env.__proto__}', '__proto__ is not set'],
    ['${env.toString}', 'toString is not set'],
  ])('%s is an error when it is mounted', async (secret, words) => {
    const made = await deps();
    expect(() => createGuard(asks({ ...BEARER, secret }), made)).toThrow(words);
  });

  test('what the environment holds is not read as a reference again', async () => {
    const guard = createGuard(
      asks({ ...BEARER, secret: '${env.A}' }),
      await deps({}, { A: '$env.B $& ${env.B}', B: 'b' }),
    );
    expect(await outcomeOf(() => guard(bearer('$env.B $& ${env.B}')))).toBe('accepted');
  });

  test('a short secret, and one that stands in the file, are warned about', async () => {
    createGuard(asks({ ...BEARER, secret: '${env.SHORT}' }), await deps());
    expect(warnings).toEqual([expect.stringContaining('fewer than 16 characters')]);
    createGuard(asks({ ...BEARER, secret: 'a literal secret in YAML' }), await deps());
    expect(warnings.at(-1)).toContain('stands in the file itself');
    warnings = [];
    createGuard(asks(BEARER), await deps());
    expect(warnings).toEqual([]);
  });
});

describe('S8: apiKey', () => {
  test('is a key of the database, of the configuration or of the namespace, and nothing else', async () => {
    const text = newKeyText();
    const record = {
      keyId: 'key_kv',
      name: 'n',
      keyHash: hashKey(text),
      permissions: ['*'],
      createdAt: 1,
      expiresAt: null,
    };
    const kv = {
      get: async (name: string) =>
        name === kvKeyName(hashKey(text)) ? JSON.stringify({ ...record, active: true }) : null,
    };
    const made = await deps({
      keyStore: kvKeyStore(kv, clock),
      staticKeys: ['a-static-key-of-ours'],
      jwt: { secret: SECRET },
    });
    const guard = createGuard(asks({ type: 'apiKey' }), made);
    const { key, record: own } = await made.access.generateKey({ name: 'n', permissions: ['*'], expiresMs: 0 });
    expect(guard(guarded({ 'x-api-key': key }))).toMatchObject({ id: own.id });
    expect(guard(bearer(key))).toMatchObject({ id: own.id });
    expect(guard(bearer('a-static-key-of-ours'))).toMatchObject({ id: 'static_1' });
    expect((await guard(guarded({ 'x-api-key': text }))).id).toBe('key_kv');
    expect(await outcomeOf(async () => guard(bearer(await jwt())))).toBe('invalid_credential');
    expect(await outcomeOf(() => guard(NOTHING))).toBe('unauthenticated');
    await made.access.revokeKey(own.id);
    expect(await outcomeOf(() => guard(bearer(key)))).toBe('invalid_credential');
  });

  test.each(['unkey', 'cookie'] as const)('%s that is not configured does not load', async (type) => {
    await expect(async () => createGuard(asks({ type }), await deps())).rejects.toThrow('is not configured');
  });
});

describe('basic', () => {
  const BASIC = { type: 'basic', secret: 'ann:one, bob:${env.PASSWORD}', realm: 'The "back" office' } as const;

  test('takes several users, and passwords with colons and commas', async () => {
    const guard = createGuard(asks(BASIC), await deps());
    expect((await guard(basic('ann:one'))).id).toBe('basic:ann');
    expect((await guard(basic('bob:a:b,c'))).id).toBe('basic:bob');
    for (const wrong of ['ann:two', 'ann', 'bob:a', 'bob:a:b', 'c:', ':', '', 'Ann:one']) {
      expect(await outcomeOf(() => guard(basic(wrong)))).toBe('invalid_credential');
    }
    const listed = createGuard(asks({ ...BASIC, secret: '${env.USERS}' }), await deps());
    expect((await listed(basic('bob:two'))).id).toBe('basic:bob');
  });

  test('says its realm to who sends nothing or the wrong thing', async () => {
    const guard = createGuard(asks(BASIC), await deps());
    for (const request of [NOTHING, basic('ann:two'), bearer('x')]) {
      const error = await Promise.resolve()
        .then(() => guard(request))
        .catch((caught: unknown) => caught);
      expect(error instanceof CredentialError && error.headers).toEqual({
        'www-authenticate': 'Basic realm="The back office", charset="UTF-8"',
      });
    }
  });

  test.each(['ann', 'ann:', ':one', 'ann:one,bob', '${env.UNSET}', 'ann:${env.UNSET}', '${env.JWT_SECRET}'])(
    '%s does not load',
    async (secret) => {
      await expect(async () => createGuard(asks({ ...BASIC, secret }), await deps())).rejects.toThrow(
        'ensemble "billing"',
      );
    },
  );
});

describe('custom', () => {
  test('a registered validator decides, and one that is not registered does not load', async () => {
    const validators: AccessPolicy['validators'] = new Map([
      ['house', ({ header }) => (header('x-house') === 'yes' ? { id: 'house', name: 'house', permissions: [] } : null)],
    ]);
    const guard = createGuard(asks({ type: 'custom', validator: 'house' }), await deps({ validators }));
    expect((await guard(guarded({ 'x-house': 'yes' }))).id).toBe('house');
    expect(await outcomeOf(() => guard(NOTHING))).toBe('unauthenticated');
    await expect(async () => createGuard(asks({ type: 'custom', validator: 'hose' }), await deps())).rejects.toThrow(
      'there is no validator "hose"',
    );
    const mixed = { ...CONFIGURED, methods: ['custom', 'apiKey'], customValidator: 'house' } as const;
    const made = await deps({ validators, staticKeys: ['a-static-key-of-ours'] });
    const either = createGuard(asks(mixed), made);
    expect((await either(guarded({ 'x-house': 'yes' }))).id).toBe('house');
    expect((await either(bearer('a-static-key-of-ours'))).id).toBe('static_1');
    expect(await outcomeOf(() => either(bearer('nope')))).toBe('invalid_credential');
    expect(await outcomeOf(() => either(NOTHING))).toBe('unauthenticated');
  });

  test.each([
    ['stripe-signature', 'STRIPE_WEBHOOK_SECRET'],
    ['github-signature', 'GITHUB_WEBHOOK_SECRET'],
    ['twilio-signature', 'TWILIO_AUTH_TOKEN'],
  ])('%s does not load without %s', async (validator, variable) => {
    await expect(async () => createGuard(asks({ type: 'custom', validator }), await deps())).rejects.toThrow(variable);
  });
});
