import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from './config-error.ts';
import { defineConfig } from './define-config.ts';
import { resolveConfig } from './resolve-config.ts';

const FILE = 'conductor.config.ts';
const resolve = (value: unknown, env: Readonly<Record<string, string | undefined>> = {}, flags = {}) =>
  resolveConfig({ file: FILE, value }, env, flags);

function refusal(value: unknown, env: Readonly<Record<string, string | undefined>> = {}): string {
  try {
    resolve(value, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error instanceof Error ? error.message : '';
  }
  throw new Error('it was accepted');
}

describe('values and their origins', () => {
  test('without a file everything has its default, and the defaults are the secure ones', () => {
    const { settings, origins, file } = resolveConfig(null, {});
    expect(file).toBeNull();
    expect(settings.auth).toMatchObject({ requireAuth: true, allowAnonymous: false, apiKeys: [], provider: 'apiKey' });
    expect(settings.security).toMatchObject({ allowDirectAgentExecution: true, autoPermissions: false });
    expect(settings.api.execution).toEqual({
      agents: { requireExplicit: false },
      ensembles: { requireExplicit: false },
    });
    expect(settings.docs.auth.requirement).toBeNull();
    expect(new Set(origins.values())).toEqual(new Set(['default']));
  });

  test('a flag beats the environment, the environment beats the file, the file beats the default', () => {
    const file = { server: { host: 'a.example', port: 1, publicUrl: 'https://file.example' }, name: 'shop' };
    const env = { CONDUCTOR_HOST: 'b.example', CONDUCTOR_PORT: '2' };
    const { settings, origins } = resolve(file, env, { port: 3 });
    expect(settings.server).toEqual({ host: 'b.example', port: 3, publicUrl: 'https://file.example' });
    expect(Object.fromEntries(origins)).toMatchObject({
      name: 'file:conductor.config.ts',
      version: 'default',
      'server.host': 'env:CONDUCTOR_HOST',
      'server.port': 'flag --port',
      'server.publicUrl': 'file:conductor.config.ts',
    });
  });

  test('the environment of JWT, Unkey and basic credentials is read; a blank variable is none', () => {
    const { settings, origins } = resolveConfig(null, {
      JWT_SECRET: 's3cret',
      JWT_ISSUER: ' ',
      JWT_ALGORITHMS: 'HS256, HS512',
      UNKEY_ROOT_KEY: 'unkey_1',
      UNKEY_API_ID: 'api_1',
      BASIC_AUTH_CREDENTIALS: 'ada:one,bob:two',
    });
    expect(settings.auth.jwt).toMatchObject({ secret: 's3cret', issuer: null, algorithms: ['HS256', 'HS512'] });
    expect(settings.auth).toMatchObject({ rootKey: 'unkey_1', apiId: 'api_1' });
    expect(settings.auth.basic.credentials).toEqual(['ada:one', 'bob:two']);
    expect(origins.get('auth.jwt.secret')).toBe('env:JWT_SECRET');
    expect(origins.get('auth.jwt.issuer')).toBe('default');
  });

  test('S29: auth.requireAuth false restores open access; security.requireAuth is the same switch', () => {
    expect(resolve({ auth: { requireAuth: false } }).settings.auth.requireAuth).toBe(false);
    const moved = resolve({ security: { requireAuth: false } });
    expect(moved.settings.auth.requireAuth).toBe(false);
    expect(moved.origins.get('auth.requireAuth')).toBe(`file:${FILE}`);
    expect(refusal({ auth: { requireAuth: true }, security: { requireAuth: false } })).toContain('contradicts');
  });
});

describe('refusals name the place', () => {
  test.each([
    [{ auth: { requierAuth: false } }, 'auth.requierAuth is not a setting. Did you mean `auth.requireAuth`?'],
    [
      { security: { autoPermission: true } },
      'security.autoPermission is not a setting. Did you mean `security.autoPermissions`?',
    ],
    [
      { api: { execution: { agent: {} } } },
      'api.execution.agent is not a setting. Did you mean `api.execution.agents`?',
    ],
    [{ zzzzzz: 1 }, 'zzzzzz is not a setting.'],
    [{ cloud: { pulse: true } }, 'cloud is not supported yet by this version.'],
    [{ api: { protectedAssets: {} } }, 'api.protectedAssets is not supported yet by this version.'],
    [{ auth: { requireAuth: 'false' } }, 'auth.requireAuth must be of type boolean.'],
    [{ auth: { provider: 'ldap' } }, 'auth.provider must be one of apiKey, jwt, unkey, basic, cookie.'],
    [{ auth: { provider: 'jwt' } }, "auth.jwt needs a secret or a jwksUrl: the provider is 'jwt'."],
    [{ auth: { provider: 'basic' } }, 'auth.basic.credentials is empty'],
    [{ auth: { apiKeys: [''] } }, 'auth.apiKeys[0] is empty: is an environment variable unset?'],
    [{ discovery: { agents: { directory: '../elsewhere' } } }, 'discovery.agents.directory must be a directory inside'],
    [{ security: { trustedProxies: ['example.com'] } }, 'security.trustedProxies[0] must be an IP address'],
    [{ databases: { 'a b': 'x' } }, 'must be a name of letters'],
    [{ server: { port: 70_000 } }, 'server.port must be at most 65535.'],
    [{ server: { port: -1 } }, 'server.port must be at least 0.'],
    ['auth', 'must export an object'],
    [[], 'must export an object'],
    [null, 'must export an object'],
    [() => ({}), 'must export an object'],
  ])('%j', (value, words) => {
    const message = refusal(value);
    expect(message).toContain(`${FILE}: `);
    expect(message).toContain(words);
  });

  test('all faults are told at once', () => {
    expect(refusal({ auth: { requireAuth: 1, apiKeys: 'x' }, nmae: 'a' }).split('\n')).toHaveLength(3);
  });

  test('a value from the environment is blamed on its variable, and never repeated', () => {
    const message = refusal({}, { CONDUCTOR_PORT: 'eighty', BASIC_AUTH_CREDENTIALS: 'hunter2' });
    expect(message).toContain('(env:CONDUCTOR_PORT)');
    expect(message).toContain('auth.basic.credentials[0]');
    expect(message).not.toContain('hunter2');
    expect(message).not.toContain('eighty');
  });
});

describe('an environment variable that is unset', () => {
  test('S15: is never an accepted empty key', () => {
    expect(refusal({ auth: { apiKeys: [undefined] } })).toBe(
      `${FILE}: auth.apiKeys[0] is undefined: is an environment variable unset?`,
    );
    expect(refusal({ auth: { apiKeys: ['one', undefined] } })).toContain('auth.apiKeys[1] is undefined');
  });

  test('S15: is no matter for the compiler: defineConfig takes what process.env has', () => {
    const config = defineConfig({
      auth: { requireAuth: true, apiKeys: [process.env.NOT_SET_ANYWHERE], rootKey: process.env.NOT_SET_ANYWHERE },
      databases: { main: process.env.NOT_SET_ANYWHERE },
    });
    expect(refusal(config).split('\n')).toHaveLength(3);
  });

  test('S16: leaves no Unkey provider without its root key', () => {
    const block = { auth: { provider: 'unkey', rootKey: undefined } };
    expect(refusal(block)).toBe(`${FILE}: auth.rootKey is undefined: is an environment variable unset?`);
    expect(refusal({ auth: { provider: 'unkey' } })).toContain('auth.rootKey is undefined');
    expect(resolve(block, { UNKEY_ROOT_KEY: 'unkey_1' }).settings.auth).toMatchObject({
      provider: 'unkey',
      rootKey: 'unkey_1',
    });
  });

  test('matters for credentials and databases; elsewhere undefined is "not said"', () => {
    expect(refusal({ databases: { main: undefined } })).toContain('databases.main is undefined');
    expect(resolve({ server: { publicUrl: undefined }, name: undefined }).settings.server.publicUrl).toBeNull();
  });
});

describe('whatever a file holds', () => {
  test('any JSON is accepted or refused with a ConfigError', () => {
    const nearly = fc.record(
      {
        auth: fc.jsonValue(),
        security: fc.jsonValue(),
        api: fc.jsonValue(),
        discovery: fc.jsonValue(),
        server: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), nearly), (value) => {
        try {
          resolve(value);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('"__proto__", cycles and great depth are refused, and pollute nothing', () => {
    refusal(JSON.parse('{"__proto__":{"polluted":true}}'));
    refusal(JSON.parse('{"auth":{"__proto__":{"requireAuth":false}}}'));
    const cycle: Record<string, unknown> = {};
    cycle.auth = cycle;
    expect(refusal(cycle)).toContain('too large or too deep');
    expect({}).not.toHaveProperty('polluted');
  });
});
