// The pipeline: guards, bodies, origins, routes that come and go, the ensembles' error body, and stealth.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Access, Principal } from '../access/access.ts';
import { AppError, ERRORS, type ErrorCode } from '../model/error.ts';
import { accessWith, NOW_MS, ROOT } from './access.fixture.ts';
import { createApp } from './app.ts';
import { createDispatcher, type DispatchContext, type RawRequest } from './dispatch.ts';
import { createMatcher } from './match.ts';
import { json, type Route, text, withHeaders } from './route.ts';

const CLOCK = { now: () => NOW_MS };
const codes: ErrorCode[] = Object.keys(ERRORS).filter((code): code is ErrorCode => Object.hasOwn(ERRORS, code));

let access: Access;

beforeAll(async () => {
  access = await accessWith({ weak: [] });
});

function route(path: string, handle: Route['handle'], rest: Partial<Route> = {}): Route {
  return { method: 'GET', path, requires: 'public', dialect: 'ensemble', summary: '', handle, ...rest };
}

function appOf(routes: readonly Route[], context: DispatchContext = {}) {
  const app = createApp({ routes, access, dialect: 'ensemble', clock: CLOCK, ...context });
  return async (path: string, init?: RequestInit, env?: object) => app.request(path, init, env);
}

const withKey = (key: string) => ({ headers: { 'x-api-key': key } });

describe('the error body of ensembles', () => {
  it.each(codes)('%s', async (code) => {
    const call = appOf([
      route('/fail', () => {
        throw new AppError(code, `about ${code}`, [{ path: 'a.b', message: 'is wrong' }]);
      }),
    ]);
    const response = await call('/fail', { headers: { 'x-request-id': 'r-1' } });
    expect(response.status).toBe(ERRORS[code].status);
    expect(await response.json()).toMatchObject({
      success: false,
      error: expect.stringMatching(/^[A-Z][A-Za-z]+$/),
      code,
      message: expect.any(String),
      retryable: ERRORS[code].retryable,
      timestamp: NOW_MS,
      requestId: 'r-1',
      fix: ERRORS[code].fix,
    });
  });

  it("carries an error's own headers and reason", async () => {
    const error = Object.assign(new AppError('unauthenticated', 'who?'), {
      headers: { 'WWW-Authenticate': 'Basic realm="x"' },
      reason: 'WHY',
    });
    const response = await appOf([route('/a', () => Promise.reject(error))])('/a');
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="x"');
    expect(await response.json()).toMatchObject({ error: 'Unauthorized', reason: 'WHY' });
  });

  it('is that of unknown paths near such routes, and of no others', async () => {
    const call = appOf([
      route('/api/workflow', () => text(''), { dialect: 'conductor' }),
      route('/api/v1/execute', () => text('')),
    ]);
    expect(await (await call('/api/v1/none')).json()).toMatchObject({ success: false, error: 'NotFound' });
    expect(await (await call('/none')).json()).toMatchObject({ success: false, error: 'NotFound' });
    expect(await (await call('/api/none')).json()).toMatchObject({ status: 404, instance: 'conductor' });
  });
});

describe('a guard', () => {
  it('decides who calls, from headers and the exact body, which the handler reads too', async () => {
    const body = '\ufeff{"n":"é"}';
    const seen: unknown[] = [];
    const guarded = route('/hook', async (request) => json([request.principal.id, await request.text()]), {
      method: 'POST',
      requires: {
        guard: async (request) => {
          seen.push(request.method, request.target, request.header('x-sign'), (await request.bytes()).byteLength);
          const principal: Principal = { id: 'signed', name: 'signed', permissions: [] };
          return principal;
        },
      },
    });
    const response = await appOf([guarded])('/hook?a=1', { method: 'POST', body, headers: { 'x-sign': 's' } });
    expect(await response.json()).toEqual(['signed', '{"n":"é"}']);
    expect(seen).toEqual(['POST', '/hook?a=1', 's', 13]);
  });

  it('that refuses, or fails, lets nobody in', async () => {
    let handled = 0;
    const ran = () => {
      handled += 1;
      return text('');
    };
    const closed = (path: string, error: Error) =>
      route(path, ran, {
        requires: {
          guard: () => {
            throw error;
          },
        },
      });
    const call = appOf([closed('/a', new AppError('invalid_credential', 'no')), closed('/b', new Error('boom'))]);
    expect([(await call('/a')).status, (await call('/b')).status, handled]).toEqual([401, 500, 0]);
  });

  it('that answers at once costs the request no turn of the loop', () => {
    let handled = false;
    const at = route(
      '/a',
      () => {
        handled = true;
        return text('');
      },
      { requires: 'authenticated' },
    );
    const dispatcher = createDispatcher([at], access);
    const raw: RawRequest = {
      id: 'r',
      method: 'GET',
      path: '/a',
      search: '',
      header: (name) => (name === 'x-api-key' ? ROOT : undefined),
      signal: new AbortController().signal,
      text: async () => '',
    };
    void dispatcher.dispatch(raw);
    expect(handled).toBe(true);
  });

  it('whose Access asks elsewhere is waited for', async () => {
    const slow: Access = {
      ...methodsOf(access),
      authenticate: async () => ({ id: 'jwt', name: 'jwt', permissions: [] }),
    };
    const app = createApp({
      routes: [route('/a', ({ principal }) => text(principal.id), { requires: 'authenticated' })],
      access: slow,
    });
    expect(await (await app.request('/a')).text()).toBe('jwt');
  });
});

function methodsOf(of: Access): Access {
  return {
    authenticate: (header) => of.authenticate(header),
    allows: (...asked) => of.allows(...asked),
    require: (...asked) => of.require(...asked),
    issueToken: (...asked) => of.issueToken(...asked),
  };
}

describe('where a request comes from', () => {
  const call = () => appOf([route('/a', ({ id, origin }) => json({ id, origin }))]);

  it("is the socket's address under node-server, and nothing where nothing is known", async () => {
    const env = { incoming: { socket: { remoteAddress: '192.0.2.7' }, httpVersion: '1.1' } };
    const init = { headers: { 'x-request-id': 'r-9' } };
    expect(await (await call()('/a', init, env)).json()).toEqual({
      id: 'r-9',
      origin: { peerAddress: '192.0.2.7', httpVersion: 'HTTP/1.1' },
    });
    expect(await (await call()('/a')).json()).toMatchObject({ origin: {} });
  });

  it('is request.cf on workerd', async () => {
    const app = createApp({ routes: [route('/a', ({ origin }) => json(origin))], access });
    const request = Object.assign(new Request('http://h/a'), { cf: { country: 'DE' } });
    expect(await (await app.fetch(request)).json()).toEqual({ cf: { country: 'DE' } });
  });
});

describe('late routes', () => {
  it('come after the fixed ones and are replaced as a whole', async () => {
    const fixed = [route('/own', () => text('fixed')), route('/both', () => text('fixed'))];
    let late = createMatcher([
      route('/both', () => text('late')),
      route('/both', () => text('posted'), { method: 'POST' }),
      route('/a', () => text('a')),
    ]);
    const call = appOf(fixed, { late: () => late });
    expect(await (await call('/both')).text()).toBe('fixed');
    expect(await (await call('/both', { method: 'POST' })).text()).toBe('posted');
    expect(await (await call('/a')).text()).toBe('a');
    expect((await call('/both', { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD, POST');
    late = createMatcher([route('/b', () => text('b'))]);
    expect([(await call('/a')).status, (await call('/b')).status, (await call('/own')).status]).toEqual([
      404, 200, 200,
    ]);
    expect((await call('/both', { method: 'POST' })).status).toBe(405);
  });
});

describe('stealth', () => {
  const waits: number[] = [];
  const stealth = { delayMs: 60_000, wait: async (ms: number) => void waits.push(ms) };
  const limited = route('/limited', () => text(''), {
    requires: 'authenticated',
    around: async (_call, _next, fail) =>
      withHeaders(fail(new AppError('rate_limited', 'slow')), { 'ratelimit-limit': '1' }),
  });
  const explained = Object.assign(new AppError('forbidden', 'disabled'), { reason: 'DISABLED' });
  const routes = [
    route('/closed', () => text('in'), { requires: 'authenticated' }),
    route('/narrow', () => text('in'), { requires: () => 'orders:x:read' }),
    route('/cors', () => text('in'), {
      requires: 'authenticated',
      around: async (_call, next) => withHeaders(await next(), { vary: 'Origin' }),
    }),
    route('/users/:id', () => text('in'), { requires: 'authenticated' }),
    route('/told', () => text('in'), { requires: () => Promise.reject(explained) }),
    limited,
  ];

  async function shown(response: Response) {
    const { requestId, ...body } = JSON.parse(await response.text());
    expect(requestId).toBe(response.headers.get('x-request-id'));
    const headers = [...response.headers].filter(([name]) => name !== 'x-request-id');
    return { status: response.status, headers, body: { ...body, message: body.message.replace(/\S+$/, '') } };
  }

  it('whoever lacks a credential sees, byte for byte and no sooner, what an unknown path shows', async () => {
    const call = appOf([], {
      late: () => createMatcher(routes),
      stealth,
      headers: { 'x-powered-by': 'Ensemble-Edge Conductor' },
      debugHeaders: true,
    });
    const unknown = await shown(await call('/none'));
    expect(unknown).toMatchObject({ status: 404, body: { error: 'NotFound' } });
    waits.length = 0;
    const asked: [string, RequestInit?][] = [
      ['/closed'],
      ['/closed', withKey('wrong')],
      ['/narrow', withKey('weak')],
      ['/cors'],
      ['/limited'],
      ['/users/%E0%A4%A'],
    ];
    for (const [path, init] of asked) expect(await shown(await call(path, init)), path).toEqual(unknown);
    const post = await shown(await call('/none', { method: 'POST' }));
    expect(await shown(await call('/closed', { method: 'POST' }))).toEqual(post);
    expect(waits).toHaveLength(8);
    for (const ms of waits) expect(ms).toBeGreaterThan(0);
  });

  it('whoever may enter sees everything, and reasons that are meant for them', async () => {
    const call = appOf(routes, { stealth });
    expect(await (await call('/closed', withKey('weak'))).text()).toBe('in');
    expect(await (await call('/told', withKey('weak'))).json()).toMatchObject({
      error: 'Forbidden',
      reason: 'DISABLED',
    });
  });

  it('does not hide that the server cannot work', async () => {
    const down = appOf(routes, { stealth, freshness: { ensure: () => Promise.reject(new Error('gone')) } });
    expect((await down('/closed')).status).toBe(503);
  });

  it('is off unless told: 401 and 403 are said', async () => {
    const call = appOf(routes, { headers: { 'x-powered-by': 'Ensemble-Edge Conductor' }, debugHeaders: true });
    const refused = await call('/closed');
    expect([refused.status, refused.headers.get('x-powered-by')]).toEqual([401, 'Ensemble-Edge Conductor']);
    expect(refused.headers.get('x-conductor-duration')).toMatch(/^\d+\.\d$/);
    expect((await call('/narrow', withKey('weak'))).status).toBe(403);
  });
});

describe('other origins', () => {
  it('are told nothing by any route: no CORS is open globally', async () => {
    const call = appOf([route('/a', () => text('')), route('/b', () => text(''), { requires: 'authenticated' })]);
    for (const path of ['/a', '/b', '/none']) {
      for (const method of ['GET', 'OPTIONS']) {
        const response = await call(path, {
          method,
          headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
        });
        expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      }
    }
  });
});
