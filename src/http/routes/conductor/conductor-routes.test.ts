import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openapi } from '../../openapi.ts';
import type { Route } from '../../route.ts';
import { openConductor, type TestConductor } from './conductor.fixture.ts';

const PUBLIC = ['GET /actuator/health', 'GET /api/health', 'GET /health', 'POST /api/token'];

let conductor: TestConductor;

beforeAll(async () => {
  conductor = await openConductor({ powerless: [] });
});
afterAll(() => conductor.stop());

const nameOf = ({ method, path }: Route) => `${method} ${path}`;
const pathOf = ({ path }: Route) => path.replaceAll(/:\w+/g, 'x');

describe('all Conductor routes', () => {
  it('ask for a credential, but for the few that are public by name', async () => {
    const open: string[] = [];
    for (const route of conductor.routes) {
      const { status } = await conductor.call(route.method, pathOf(route), {}, '');
      if (status !== 401) open.push(nameOf(route));
    }
    expect(open.sort()).toEqual(PUBLIC);
  });

  it('refuse a credential without permissions, but for those that need none', async () => {
    const harmless = conductor.routes.filter(({ requires }) => typeof requires === 'string').map(nameOf);
    for (const route of conductor.routes) {
      if (harmless.includes(nameOf(route))) continue;
      const { status } = await conductor.call(route.method, pathOf(route), {}, 'powerless');
      // 400: the permission depends on a body that is not one. 404: what may not be known is not there.
      expect([400, 403, 404], nameOf(route)).toContain(status);
    }
  });

  it('are described in OpenAPI', () => {
    const { paths } = openapi(conductor.routes, '1');
    for (const route of conductor.routes) {
      const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
      expect(paths).toHaveProperty(
        [path, route.method.toLowerCase()],
        expect.objectContaining({ summary: route.summary }),
      );
    }
  });
});
