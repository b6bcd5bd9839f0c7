// Keys that Unkey keeps, through the real client package against a local server that speaks its wire.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SafeFetch } from '../../egress/egress.ts';
import { AppError } from '../../model/error.ts';
import { startUnkeySimulator, type UnkeySimulator } from '../../testing/simulators/unkey/index.ts';
import { CredentialError } from '../credential-error.ts';
import { UnkeyVerifier } from './unkey-verifier.ts';

let simulator: UnkeySimulator;
let now: number;
const clock = { now: () => now };
const outward: SafeFetch = (input, init) => fetch(input, init);

beforeAll(async () => {
  simulator = await startUnkeySimulator(() => now);
});

beforeEach(() => {
  now = Date.UTC(2024, 1, 15);
  simulator.fault = null;
  simulator.keys.clear();
});

afterAll(() => simulator?.close());

function open(settings: Partial<Parameters<typeof UnkeyVerifier.open>[0]> = {}) {
  return UnkeyVerifier.open({ rootKey: simulator.rootKey, serverUrl: simulator.origin, ...settings }, outward, clock);
}

async function refusal(asked: Promise<unknown>): Promise<AppError> {
  const outcome = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof AppError) return outcome;
  throw new Error(`Expected an AppError, got ${String(outcome)}`);
}

describe('S16: Unkey', () => {
  test('a valid key is a principal with its permissions, roles and owner', async () => {
    simulator.keys.set('uk_good_key', {
      keyId: 'key_unkey1',
      name: 'billing',
      externalId: 'customer_7',
      permissions: ['ensemble:*:execute', 'documents.read'],
      roles: ['editor'],
      meta: { plan: 'pro' },
      ratelimit: { limit: 5, durationMs: 60_000 },
    });
    const verifier = await open({ apiId: 'api_1', permissions: { 'documents.read': ['agent:docs:execute'] } });
    expect(await verifier.verify('uk_good_key')).toMatchObject({
      id: 'key_unkey1',
      name: 'billing',
      permissions: ['ensemble:*:execute', 'agent:docs:execute'],
      roles: ['editor'],
      method: 'unkey',
      metadata: { ownerId: 'customer_7', meta: { plan: 'pro' }, ratelimits: [{ limit: 5, remaining: 4 }] },
    });
    expect(simulator.asked.at(-1)).toEqual({ key: 'uk_good_key', tags: ['apiId=api_1'] });
  });

  test('a key that is unknown, disabled or expired is refused', async () => {
    simulator.keys.set('uk_off', { keyId: 'key_1', enabled: false });
    simulator.keys.set('uk_old', { keyId: 'key_2', expires: now - 1 });
    const verifier = await open();
    expect((await refusal(verifier.verify('uk_none'))).code).toBe('invalid_credential');
    expect((await refusal(verifier.verify('uk_off'))).code).toBe('invalid_credential');
    expect((await refusal(verifier.verify('uk_old'))).code).toBe('expired_token');
  });

  test('a disabled key is refused at the very next request', async () => {
    simulator.keys.set('uk_key', { keyId: 'key_1' });
    const verifier = await open();
    expect((await verifier.verify('uk_key')).id).toBe('key_1');
    simulator.keys.set('uk_key', { keyId: 'key_1', enabled: false });
    expect((await refusal(verifier.verify('uk_key'))).code).toBe('invalid_credential');
  });

  test('a key over its rate limit is told when to come again', async () => {
    simulator.keys.set('uk_busy', { keyId: 'key_busy', ratelimit: { limit: 2, durationMs: 60_000 } });
    const verifier = await open();
    now += 45_000;
    await verifier.verify('uk_busy');
    await verifier.verify('uk_busy');
    const error = await refusal(verifier.verify('uk_busy'));
    expect([error.code, error.status]).toEqual(['rate_limited', 429]);
    expect(error instanceof CredentialError && error.headers).toEqual({
      'ratelimit-limit': '2',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '15',
      'retry-after': '15',
    });
    now += 15_000;
    expect((await verifier.verify('uk_busy')).id).toBe('key_busy');
  });

  test('a key without credits is refused', async () => {
    simulator.keys.set('uk_poor', { keyId: 'key_poor', credits: 1 });
    const verifier = await open();
    await verifier.verify('uk_poor');
    expect((await refusal(verifier.verify('uk_poor'))).code).toBe('rate_limited');
  });

  test.each(['error', 'garbage', 'reset', 'throttle'] as const)('no verdict (%s) lets nobody in', async (fault) => {
    simulator.keys.set('uk_key', { keyId: 'key_1' });
    const verifier = await open();
    simulator.fault = fault;
    const error = await refusal(verifier.verify('uk_key'));
    expect([error.status, error.retryable]).toEqual([503, true]);
  });

  test('a root key that Unkey refuses is our fault, and is not shown', async () => {
    simulator.keys.set('uk_key', { keyId: 'key_1' });
    const verifier = await open({ rootKey: 'unkey_wrong_root' });
    const error = await refusal(verifier.verify('uk_key'));
    expect(error.status).toBe(503);
    expect(error.message).not.toContain('unkey_wrong_root');
  });

  test('every request leaves by the door that was given', async () => {
    let left = 0;
    simulator.keys.set('uk_key', { keyId: 'key_1' });
    const counted: SafeFetch = (input, init) => {
      left += 1;
      return outward(input, init);
    };
    const settings = { rootKey: simulator.rootKey, serverUrl: simulator.origin };
    const verifier = await UnkeyVerifier.open(settings, counted, clock);
    await verifier.verify('uk_key');
    expect(left).toBe(1);
  });

  test('a missing package says what to install, at the start', async () => {
    const missing = open({ load: () => Promise.reject(new Error('Cannot find package')) });
    await expect(missing).rejects.toThrow('npm install @unkey/api');
    await expect(open({ load: async () => ({}) })).rejects.toThrow('npm install @unkey/api');
    await expect(open({ rootKey: '' })).rejects.toThrow('auth.rootKey');
  });
});
