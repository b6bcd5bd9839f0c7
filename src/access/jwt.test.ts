// Tokens of others, and what is tried against them.
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { SafeFetch } from '../egress/egress.ts';
import { outcomeOf } from './access.fixture.ts';
import { createJwtVerifier, looksLikeJwt } from './jwt.ts';
import type { JwtSettings } from './policy.ts';

const SECRET = 'a secret that is at least thirty-two bytes long';
const NOW_MS = Date.UTC(2024, 1, 15);
const NOW_SECONDS = NOW_MS / 1000;
const JWKS_URL = 'https://issuer.example/jwks.json';
const clock = { now: () => NOW_MS };
const nowhere: SafeFetch = () => Promise.reject(new TypeError('no way out'));

const verifier = (settings: JwtSettings = { secret: SECRET }, fetch: SafeFetch = nowhere) =>
  createJwtVerifier(settings, { fetch, clock, where: 'auth.jwt' });

function token(claims: Record<string, unknown> = {}, secret = SECRET, alg = 'HS256'): Promise<string> {
  return new SignJWT({ sub: 'user_1', exp: NOW_SECONDS + 60, ...claims })
    .setProtectedHeader({ alg })
    .sign(new TextEncoder().encode(secret));
}

const base64url = (text: string) => Buffer.from(text).toString('base64url');

describe('S6: a JWT signed with a shared secret', () => {
  test('is its subject, with the permissions and roles of its claims', async () => {
    const text = await token({ permissions: ['ensemble:*:execute'], roles: ['admin'], email: 'a@b.example' });
    expect(await verifier().verify(text)).toEqual({
      id: 'user_1',
      name: 'user_1',
      permissions: ['ensemble:*:execute'],
      roles: ['admin'],
      method: 'jwt',
      metadata: { sub: 'user_1', permissions: ['ensemble:*:execute'], roles: ['admin'], email: 'a@b.example' },
    });
  });

  test.each([
    [{ permissions: 'ensemble:a:execute agent:b:execute' }, ['ensemble:a:execute', 'agent:b:execute']],
    [{ scope: 'ensemble:*  agent:*' }, ['ensemble:*', 'agent:*']],
    [{ permissions: ['x:y', 7, null, ''], scope: '*' }, ['x:y']],
    [{}, []],
    [{ permissions: { '*': true } }, []],
  ])('with %j holds %j', async (claims, permissions) => {
    expect((await verifier().verify(await token(claims))).permissions).toEqual(permissions);
  });

  test.each(['HS256', 'HS384', 'HS512'])('may be signed with %s', async (alg) => {
    expect((await verifier().verify(await token({}, SECRET, alg))).id).toBe('user_1');
  });

  test('is refused when it has expired or is not yet valid, with a few seconds of leeway', async () => {
    const outcome = async (claims: Record<string, unknown>) => {
      const text = await token(claims);
      return outcomeOf(() => verifier().verify(text));
    };
    expect(await outcome({ exp: NOW_SECONDS - 60 })).toBe('expired_token');
    expect(await outcome({ exp: NOW_SECONDS - 2 })).toBe('accepted');
    expect(await outcome({ nbf: NOW_SECONDS + 60 })).toBe('invalid_credential');
    expect(await outcome({ nbf: NOW_SECONDS + 2 })).toBe('accepted');
  });

  test('must be of the issuer and for the audience', async () => {
    const strict = verifier({ secret: SECRET, issuer: 'https://issuer.example', audience: 'conductor' });
    const outcome = async (claims: Record<string, unknown>) => {
      const text = await token(claims);
      return outcomeOf(() => strict.verify(text));
    };
    expect(await outcome({ iss: 'https://issuer.example', aud: 'conductor' })).toBe('accepted');
    expect(await outcome({ iss: 'https://issuer.example', aud: ['else', 'conductor'] })).toBe('accepted');
    expect(await outcome({ iss: 'https://evil.example', aud: 'conductor' })).toBe('invalid_credential');
    expect(await outcome({ iss: 'https://issuer.example', aud: 'else' })).toBe('invalid_credential');
    expect(await outcome({ iss: 'https://issuer.example' })).toBe('invalid_credential');
    expect(await outcome({ aud: 'conductor' })).toBe('invalid_credential');
  });
});

describe('attacks on a JWT', () => {
  test('no algorithm at all is no signature', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      const [, payload = ''] = (await token()).split('.');
      const head = base64url(JSON.stringify({ alg, typ: 'JWT' }));
      for (const signature of ['', base64url('x')]) {
        expect(await outcomeOf(() => verifier().verify(`${head}.${payload}.${signature}`))).toBe('invalid_credential');
      }
    }
  });

  test('a signature cut short, changed or of another secret is refused', async () => {
    const text = await token();
    const dot = text.lastIndexOf('.');
    for (const cut of [text.slice(0, -1), text.slice(0, -10), text.slice(0, dot + 1), text.slice(0, dot)]) {
      expect(await outcomeOf(() => verifier().verify(cut))).toBe('invalid_credential');
    }
    const last = text[dot + 5] === 'A' ? 'B' : 'A';
    const changed = `${text.slice(0, dot + 5)}${last}${text.slice(dot + 6)}`;
    expect(await outcomeOf(() => verifier().verify(changed))).toBe('invalid_credential');
    const foreign = await token({}, 'another secret that is also thirty-two bytes');
    expect(await outcomeOf(() => verifier().verify(foreign))).toBe('invalid_credential');
  });

  test('claims cannot be changed under a signature', async () => {
    const [head = '', , signature = ''] = (await token()).split('.');
    const payload = base64url(JSON.stringify({ sub: 'admin', exp: NOW_SECONDS + 60, permissions: ['*'] }));
    expect(await outcomeOf(() => verifier().verify(`${head}.${payload}.${signature}`))).toBe('invalid_credential');
  });

  test('an algorithm that is not on the list is refused, though the secret is right', async () => {
    const strict = verifier({ secret: SECRET, algorithms: ['HS512'] });
    const [weak, strong] = [await token(), await token({}, SECRET, 'HS512')];
    expect(await outcomeOf(() => strict.verify(weak))).toBe('invalid_credential');
    expect(await outcomeOf(() => strict.verify(strong))).toBe('accepted');
  });

  test('a public key is never taken for a shared secret', async () => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const published: SafeFetch = async () => Response.json({ keys: [{ ...jwk, kid: 'k1', alg: 'HS256' }] });
    const confused = await new SignJWT({ sub: 'admin' })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(new TextEncoder().encode(JSON.stringify(jwk)));
    const strict = verifier({ jwksUrl: JWKS_URL }, published);
    expect(await outcomeOf(() => strict.verify(confused))).toBe('invalid_credential');
  });

  test('a key that a token brings along counts for nothing', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const own = await new SignJWT({ sub: 'admin' }).setProtectedHeader({ alg: 'ES256', jwk }).sign(privateKey);
    expect(await outcomeOf(() => verifier().verify(own))).toBe('invalid_credential');
    const empty: SafeFetch = async () => Response.json({ keys: [] });
    expect(await outcomeOf(() => verifier({ jwksUrl: JWKS_URL }, empty).verify(own))).toBe('invalid_credential');
  });

  test.each([
    [{ secret: SECRET, jwksUrl: JWKS_URL }, 'not both'],
    [{}, 'not neither'],
    [{ secret: SECRET, algorithms: ['none'] }, '"none"'],
    [{ secret: SECRET, algorithms: ['RS256'] }, '"RS256"'],
    [{ jwksUrl: JWKS_URL, algorithms: ['HS256'] }, '"HS256"'],
    [{ jwksUrl: 'file:///etc/passwd' }, 'http(s) URL'],
    [{ secret: '' }, 'empty'],
  ])('%j is refused at the start', (settings, words) => {
    expect(() => verifier(settings)).toThrow(words);
  });
});

describe('S6: a JWT signed with published keys', () => {
  test.each(['RS256', 'ES256', 'EdDSA'])('%s: keys are fetched once and kept', async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg }];
    let fetched = 0;
    const published: SafeFetch = async (input) => {
      fetched += 1;
      expect(String(input)).toBe(JWKS_URL);
      return Response.json({ keys });
    };
    const text = await new SignJWT({ sub: 'user_2' }).setProtectedHeader({ alg, kid: 'k1' }).sign(privateKey);
    const it = verifier({ jwksUrl: JWKS_URL }, published);
    const all = await Promise.all(Array.from({ length: 10 }, () => it.verify(text)));
    expect([all.length, all[9]?.id, fetched]).toEqual([10, 'user_2', 1]);
    const unknown = await new SignJWT({ sub: 'user_2' }).setProtectedHeader({ alg, kid: 'k2' }).sign(privateKey);
    for (let i = 0; i < 20; i += 1) expect(await outcomeOf(() => it.verify(unknown))).toBe('invalid_credential');
    // A stranger's key ids do not make us ask the issuer again and again.
    expect(fetched).toBe(1);
  });

  test('keys that cannot be fetched let nobody in, and are not asked for at every request', async () => {
    let fetched = 0;
    const broken: SafeFetch = async () => {
      fetched += 1;
      return new Response('down', { status: 502 });
    };
    const { privateKey } = await generateKeyPair('ES256');
    const text = await new SignJWT({ sub: 'x' }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    const it = verifier({ jwksUrl: JWKS_URL }, broken);
    for (let i = 0; i < 5; i += 1) expect(await outcomeOf(() => it.verify(text))).toBe('auth_unavailable');
    expect(fetched).toBe(1);
  });
});

test('what looks like a JWT is told from keys and other texts', async () => {
  expect(looksLikeJwt(await token())).toBe(true);
  for (const other of ['cnd_live_abc', 'a.b.c', '', 'eyJ.x', 'eyJhbGciOiJub25lIn0'])
    expect(looksLikeJwt(other)).toBe(false);
});
