// Signed webhooks, and what is tried against them. Signatures are made here by node:crypto, not by what checks them.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SignaturePreset, TriggerAuth } from '../../model/trigger.ts';
import { accessOnDisk, guarded, outcomeOf } from '../access.fixture.ts';
import type { Guard } from '../guard.ts';
import { createGuard } from './create-guard.ts';
import { seenByAll, seenInMemory } from './seen-signatures.ts';

const SECRET = 'whsec_a_long_enough_signing_secret';
const BODY = '{"amount":100,"city":"Zürich"}';

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

type SignatureAuth = Extract<TriggerAuth, { readonly type: 'signature' }>;

async function guardOf(
  auth: Partial<SignatureAuth> | { readonly validator: string },
  seen = seenInMemory(clock),
): Promise<Guard> {
  const usual = {
    type: 'signature',
    secret: '${env.SECRET}',
    preset: 'default',
    algorithm: null,
    signatureHeader: null,
  } as const;
  const full: TriggerAuth =
    'validator' in auth
      ? { type: 'custom', validator: auth.validator }
      : { ...usual, timestampHeader: null, timestampToleranceSeconds: 300, ...auth };
  const environment = {
    SECRET,
    STRIPE_WEBHOOK_SECRET: SECRET,
    GITHUB_WEBHOOK_SECRET: SECRET,
    TWILIO_AUTH_TOKEN: SECRET,
  };
  const nowhere = () => Promise.reject(new TypeError('no way out'));
  const access = await disk.access();
  const deps = { access, environment, fetch: nowhere, clock, seen, warn: () => undefined, trigger: 'ensemble "hook"' };
  return createGuard({ auth: full, permissions: [], roles: [] }, deps);
}

const hmac = (text: string, algorithm = 'sha256', secret = SECRET) =>
  createHmac(algorithm, secret).update(text).digest('hex');
const seconds = () => String(Math.floor(now / 1000));

/** The headers of each sender, for a body, at a time. */
const SENDERS: Readonly<
  Record<SignaturePreset, (body: string, at?: string, secret?: string) => Record<string, string>>
> = {
  default: (body, at = seconds(), secret = SECRET) => ({
    'x-webhook-timestamp': at,
    'x-webhook-signature': `sha256=${hmac(`${at}.${body}`, 'sha256', secret)}`,
  }),
  github: (body, _at, secret = SECRET) => ({ 'x-hub-signature-256': `sha256=${hmac(body, 'sha256', secret)}` }),
  stripe: (body, at = seconds(), secret = SECRET) => ({
    'stripe-signature': `t=${at},v1=${hmac('old')},v1=${hmac(`${at}.${body}`, 'sha256', secret)},v0=x`,
  }),
  slack: (body, at = seconds(), secret = SECRET) => ({
    'x-slack-request-timestamp': at,
    'x-slack-signature': `v0=${hmac(`v0:${at}:${body}`, 'sha256', secret)}`,
  }),
};
const PRESETS = ['default', 'github', 'stripe', 'slack'] as const;
const TIMED = ['default', 'stripe', 'slack'] as const;

describe.each(PRESETS)('preset %s', (preset) => {
  const send = SENDERS[preset];

  test('a right signature passes', async () => {
    const guard = await guardOf({ preset });
    expect(await guard(guarded(send(BODY), { body: BODY }))).toMatchObject({
      id: `signature:${preset}`,
      permissions: [],
    });
  });

  test('an altered body, a foreign secret, a signature cut short and none at all are refused', async () => {
    const guard = await guardOf({ preset });
    const headers = send(BODY);
    const outcome = (given: Record<string, string>, body = BODY) => outcomeOf(() => guard(guarded(given, { body })));
    expect(await outcome(headers, `${BODY} `)).toBe('invalid_credential');
    expect(await outcome(headers, BODY.replace('100', '900'))).toBe('invalid_credential');
    expect(await outcome(headers, '')).toBe('invalid_credential');
    expect(await outcome(send(BODY, seconds(), 'another secret of somebody'))).toBe('invalid_credential');
    const cut = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value.includes('=') ? value.replace(/[0-9a-f](,v0=x)?$/, '$1') : value,
      ]),
    );
    expect(await outcome(cut)).toBe('invalid_credential');
    expect(await outcome({})).toBe('unauthenticated');
    expect(await outcome(headers)).toBe('accepted');
  });

  test('one that was accepted is refused when it is replayed, however it is spelled', async () => {
    const guard = await guardOf({ preset });
    const headers = send(BODY);
    expect(await outcomeOf(() => guard(guarded(headers, { body: BODY })))).toBe('accepted');
    expect(await outcomeOf(() => guard(guarded(headers, { body: BODY })))).toBe('invalid_credential');
    const loud = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        ` ${value.replace(/[0-9a-f]{64}/g, (digits) => digits.toUpperCase())} `,
      ]),
    );
    expect(await outcomeOf(() => guard(guarded(loud, { body: BODY })))).toBe('invalid_credential');
    const at = String(Number(seconds()) + 1);
    expect(await outcomeOf(() => guard(guarded(send(`${BODY}\n`, at), { body: `${BODY}\n` })))).toBe('accepted');
  });

  test('of many that come at once one is accepted', async () => {
    const guard = await guardOf({ preset });
    const headers = send(BODY);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => outcomeOf(() => guard(guarded(headers, { body: BODY })))),
    );
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1);
  });
});

describe.each(TIMED)('the time of preset %s', (preset) => {
  test.each([
    ['-300', 'accepted'],
    ['-301', 'invalid_credential'],
    ['300', 'accepted'],
    ['301', 'invalid_credential'],
  ])('%s seconds away: %s', async (drift, expected) => {
    const guard = await guardOf({ preset });
    const at = String(Number(seconds()) + Number(drift));
    expect(await outcomeOf(() => guard(guarded(SENDERS[preset](BODY, at), { body: BODY })))).toBe(expected);
  });

  test.each(['', 'now', '-5', '1e9', '0x10', '9999999999999999999', 'NaN'])('%s is no time', async (at) => {
    const guard = await guardOf({ preset });
    expect(await outcomeOf(() => guard(guarded(SENDERS[preset](BODY, at), { body: BODY })))).toBe('invalid_credential');
  });

  test('a fresh time beside an old signature is not what was signed', async () => {
    const guard = await guardOf({ preset });
    const old = SENDERS[preset](BODY, String(Number(seconds()) - 4000));
    const fresh = Object.fromEntries(
      Object.entries(old).map(([name, value]) => [
        name,
        name.endsWith('timestamp') ? seconds() : value.replace(/^t=\d+/, `t=${seconds()}`),
      ]),
    );
    expect(await outcomeOf(() => guard(guarded(fresh, { body: BODY })))).toBe('invalid_credential');
  });

  test('a replay is refused to the last moment that the time is fresh', async () => {
    const guard = await guardOf({ preset });
    const at = String(Number(seconds()) + 300);
    const request = () => guarded(SENDERS[preset](BODY, at), { body: BODY });
    expect(await outcomeOf(() => guard(request()))).toBe('accepted');
    now += 600_000;
    expect(await outcomeOf(() => guard(request()))).toBe('invalid_credential');
  });
});

describe('the default preset', () => {
  test.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)(
    'signs with %s, with or without its name',
    async (algorithm) => {
      const guard = await guardOf({ algorithm, signatureHeader: 'X-Sig', timestampHeader: 'X-Time' });
      const at = seconds();
      const bare = { 'x-sig': hmac(`${at}.${BODY}`, algorithm), 'x-time': at };
      expect(await outcomeOf(() => guard(guarded(bare, { body: BODY })))).toBe('accepted');
      const later = String(Number(at) + 1);
      const named = { 'x-sig': `${algorithm}=${hmac(`${later}.${BODY}`, algorithm)}`, 'x-time': later };
      expect(await outcomeOf(() => guard(guarded(named, { body: BODY })))).toBe('accepted');
      const wrongName = { 'x-sig': `md5=${hmac(`${at}.`, algorithm)}`, 'x-time': at };
      expect(await outcomeOf(() => guard(guarded(wrongName, { body: '' })))).toBe('invalid_credential');
    },
  );

  test('a body that is not text is signed by its bytes', async () => {
    const guard = await guardOf({});
    const body = Uint8Array.from([0, 255, 254, 128, 10]);
    const at = seconds();
    const signature = createHmac('sha256', SECRET).update(`${at}.`).update(body).digest('hex');
    const headers = { 'x-webhook-timestamp': at, 'x-webhook-signature': signature };
    expect(await outcomeOf(() => guard(guarded(headers, { body })))).toBe('accepted');
  });

  test('two times in one Stripe header are refused', async () => {
    const guard = await guardOf({ preset: 'stripe' });
    const at = seconds();
    const header = `t=${at},t=1,v1=${hmac(`${at}.${BODY}`)}`;
    expect(await outcomeOf(() => guard(guarded({ 'stripe-signature': header }, { body: BODY })))).toBe(
      'invalid_credential',
    );
  });
});

describe('validators of three senders', () => {
  test('stripe-signature and github-signature', async () => {
    for (const [validator, preset] of [
      ['stripe-signature', 'stripe'],
      ['github-signature', 'github'],
    ] as const) {
      const guard = await guardOf({ validator });
      expect(await outcomeOf(() => guard(guarded(SENDERS[preset](BODY), { body: `${BODY}x` })))).toBe(
        'invalid_credential',
      );
      expect(await outcomeOf(() => guard(guarded(SENDERS[preset](BODY), { body: BODY })))).toBe('accepted');
      expect(await outcomeOf(() => guard(guarded({}, { body: BODY })))).toBe('unauthenticated');
    }
  });

  test('twilio-signature: URL and sorted form fields, or the hash of the body', async () => {
    const guard = await guardOf({ validator: 'twilio-signature' });
    const sign = (text: string) => createHmac('sha1', SECRET).update(text).digest('base64');
    const outcome = (signature: string, body: string, more: Record<string, string> = {}, target = '/sms?x=1') =>
      outcomeOf(() => {
        const type = 'application/x-www-form-urlencoded';
        const headers = { host: 'app.example', 'content-type': type, 'x-twilio-signature': signature, ...more };
        return guard(guarded(headers, { body, target }));
      });
    const form = 'To=%2B1&Body=hi+there&From=%2B2';
    const right = sign('https://app.example/sms?x=1Bodyhi thereFrom+2To+1');
    expect(await outcome(right, form)).toBe('accepted');
    expect(await outcome(right, 'Body=hi+there&To=%2B1&From=%2B2')).toBe('accepted');
    expect(await outcome(right, form.replace('hi', 'ho'))).toBe('invalid_credential');
    expect(await outcome(right, `${form}&Extra=1`)).toBe('invalid_credential');
    expect(await outcome(right, form, {}, '/other')).toBe('invalid_credential');
    expect(await outcome(right, form, { host: 'other.example' })).toBe('invalid_credential');
    for (const wrong of ['', 'x', right.slice(0, -4), '%%%']) {
      expect(await outcome(wrong, form)).toBe('invalid_credential');
    }
    const json = { 'content-type': 'application/json' };
    const hash = '8ec2e9a3f4bd2a1c';
    expect(
      await outcome(sign(`https://app.example/sms?bodySHA256=${hash}`), BODY, json, `/sms?bodySHA256=${hash}`),
    ).toBe('invalid_credential');
    const { createHash } = await import('node:crypto');
    const target = `/sms?bodySHA256=${createHash('sha256').update(BODY).digest('hex')}`;
    expect(await outcome(sign(`https://app.example${target}`), BODY, json, target)).toBe('accepted');
    // A body that nothing in the signature accounts for.
    expect(await outcome(sign('https://app.example/sms?x=1'), BODY, json)).toBe('invalid_credential');
  });
});

describe('signatures that were seen', () => {
  test('are forgotten when they are no longer fresh, and nobody gets in while memory is full', async () => {
    const seen = seenInMemory(clock, 2);
    expect(await seen.first('a', 's1', now + 10)).toBe(true);
    expect(await seen.first('b', 's1', now + 10)).toBe(true);
    expect(await outcomeOf(() => seen.first('a', 's2', now + 10))).toBe('store_unavailable');
    expect(await seen.first('a', 's1', now + 10)).toBe(false);
    now += 11;
    expect(await seen.first('a', 's2', now + 10)).toBe(true);
  });

  test('are told to all processes by a shared count, and where it fails nobody gets in', async () => {
    const counts = new Map<string, number>();
    const countUp = async ({ name }: { readonly name: string }) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return counts.get(name) ?? 0;
    };
    const guards = await Promise.all([1, 2].map(() => guardOf({}, seenByAll(countUp))));
    const headers = SENDERS.default(BODY);
    const outcomes = await Promise.all(guards.map((guard) => outcomeOf(() => guard(guarded(headers, { body: BODY })))));
    expect(outcomes.sort()).toEqual(['accepted', 'invalid_credential']);
    expect([...counts.keys()].join()).not.toContain(headers['x-webhook-signature']?.slice(7) ?? '?');
    const broken = await guardOf(
      {},
      seenByAll(() => Promise.reject(new TypeError('gone'))),
    );
    await expect(async () => broken(guarded(headers, { body: BODY }))).rejects.toThrow('gone');
  });
});
