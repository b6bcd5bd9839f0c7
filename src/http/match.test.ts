import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../model/error.ts';
import { createMatcher } from './match.ts';
import { EMPTY, type Route } from './route.ts';

function route(method: Route['method'], path: string): Route {
  return { method, path, requires: 'public', dialect: 'conductor', summary: '', handle: () => EMPTY };
}

const match = createMatcher([
  route('GET', '/api/tasks/:id'),
  route('POST', '/api/tasks'),
  route('GET', '/api/tasks/queue/sizes'),
  route('GET', '/api/tasks/:id/log'),
  route('GET', '/api/workflow/:id'),
  route('POST', '/api/workflow/:name'),
  route('GET', '/api/workflow/running/:name'),
  route('GET', '/api/workflow/:id/status'),
  route('PUT', '/api/workflow/decide/:id'),
]);

function found(method: string, path: string): string {
  const hit = match(method, path);
  return hit.route ? `${hit.route.path} ${JSON.stringify(hit.params)}` : `none, allow ${hit.allow.join()}`;
}

describe('the matcher', () => {
  it('prefers a static segment to a parameter, whatever was registered first', () => {
    expect(found('GET', '/api/tasks/queue/sizes')).toBe('/api/tasks/queue/sizes {}');
    expect(found('GET', '/api/tasks/queue')).toBe('/api/tasks/:id {"id":"queue"}');
    expect(found('GET', '/api/workflow/running/billing')).toBe('/api/workflow/running/:name {"name":"billing"}');
  });

  it('goes back to a parameter when the static way leads nowhere', () => {
    expect(found('GET', '/api/workflow/running/status')).toBe('/api/workflow/running/:name {"name":"status"}');
    expect(found('GET', '/api/workflow/decide/status')).toBe('/api/workflow/:id/status {"id":"decide"}');
    expect(found('GET', '/api/tasks/queue/log')).toBe('/api/tasks/:id/log {"id":"queue"}');
  });

  it('names a parameter as the route of the method does', () => {
    expect(found('GET', '/api/workflow/a')).toBe('/api/workflow/:id {"id":"a"}');
    expect(found('POST', '/api/workflow/a')).toBe('/api/workflow/:name {"name":"a"}');
  });

  it('decodes parameters, once and after splitting', () => {
    expect(found('GET', '/api/tasks/a%2Fb%20%C3%A9')).toBe('/api/tasks/:id {"id":"a/b é"}');
    expect(found('GET', '/api/tasks/%2541')).toBe('/api/tasks/:id {"id":"%41"}');
    expect(() => match('GET', '/api/tasks/%E0%A4%A')).toThrow(AppError);
  });

  it('tells a wrong method from a path that does not exist', () => {
    expect(found('DELETE', '/api/workflow/a')).toBe('none, allow GET,POST');
    expect(found('GET', '/api/tasks')).toBe('none, allow POST');
    expect(found('GET', '/api')).toBe('none, allow ');
    expect(found('GET', '/api/tasks/')).toBe('none, allow ');
    expect(found('GET', '/api/tasks//log')).toBe('none, allow ');
  });

  it('answers HEAD with the GET route', () => {
    expect(found('HEAD', '/api/tasks/a')).toBe('/api/tasks/:id {"id":"a"}');
  });

  it('gives the rest of a path to a last *, after everything that is more exact', () => {
    const rest = createMatcher([
      route('GET', '/files/*'),
      route('GET', '/files/:id'),
      route('GET', '/files/own'),
      route('GET', '/'),
    ]);
    const paths = ['/files/own', '/files/a', '/files/a/b%2Fc', '/files//a', '/files/', '/files'];
    const hits = paths
      .map((path) => rest('GET', path))
      .map((hit) => [hit.route?.path, 'params' in hit && hit.params['*']]);
    expect(hits).toEqual([
      ['/files/own', undefined],
      ['/files/:id', undefined],
      ['/files/*', 'a/b/c'],
      ['/files/*', '/a'],
      ['/files/*', ''],
      [undefined, false],
    ]);
    expect(rest('GET', '/').route?.path).toBe('/');
    expect(() => createMatcher([route('GET', '/a/*/b')])).toThrow('last');
  });

  it('takes another spelling of a static segment for the segment, so that no looser route gets it', () => {
    const two = createMatcher([route('GET', '/docs/internal'), route('GET', '/docs/:slug'), route('GET', '/docs/*')]);
    for (const path of ['/docs/internal', '/docs/%69nternal', '/%64ocs/intern%61l']) {
      expect(two('GET', path).route?.path, path).toBe('/docs/internal');
    }
    expect(two('GET', '/docs/..%2Finternal')).toMatchObject({
      route: { path: '/docs/:slug' },
      params: { slug: '../internal' },
    });
    expect(two('GET', '/docs%2Finternal').route).toBeNull();
    expect(() => two('GET', '/docs/%E0%A4%A')).toThrow(AppError);
  });

  it('has routes for HEAD and OPTIONS where they are declared', () => {
    const own = createMatcher([route('HEAD', '/a'), route('GET', '/a'), route('OPTIONS', '/b/:x')]);
    expect([
      own('HEAD', '/a').route?.method,
      own('GET', '/a').route?.method,
      own('OPTIONS', '/b/1').route?.method,
    ]).toEqual(['HEAD', 'GET', 'OPTIONS']);
    expect(own('OPTIONS', '/a')).toEqual({ route: null, allow: expect.arrayContaining(['GET', 'HEAD']) });
  });

  it('refuses two routes of the same method and shape when it is made', () => {
    expect(() => createMatcher([route('GET', '/a/:x'), route('GET', '/a/:y')])).toThrow('GET /a/:y');
  });

  it('finds every parameter value again', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (value) => {
        const hit = match('GET', `/api/tasks/${encodeURIComponent(value)}/log`);
        expect(hit.route?.path).toBe('/api/tasks/:id/log');
        expect(hit).toHaveProperty('params', { id: value });
      }),
    );
  });
});
