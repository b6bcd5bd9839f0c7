import { describe, expect, it } from 'vitest';
import { accessWith, ROOT } from './access.fixture.ts';
import { createApp } from './app.ts';
import { HttpMetrics, metricsRoutes } from './metrics.ts';
import { type Route, text } from './route.ts';

const orchestrator = {
  stats: () => ({ rounds: 3, operations: 9, cachedRuns: 2, readyTasks: 5, waitingPollers: 1, timers: 4 }),
  queueSizes: async () => ({ charge: 5, 'eu:odd"\\name\n': 0 }),
};

async function scrape(paths: readonly string[]): Promise<string[]> {
  const metrics = new HttpMetrics();
  const named: Route = {
    method: 'GET',
    path: '/api/task/:id',
    requires: 'public',
    dialect: 'conductor',
    summary: '',
    handle: ({ params }) => text(params.id ?? ''),
  };
  const routes = [named, ...metricsRoutes(orchestrator, metrics)];
  const app = createApp({ routes, access: await accessWith(), observer: metrics });
  for (const path of paths) await app.request(path);
  expect((await app.request('/metrics')).status).toBe(401);
  const response = await app.request('/metrics', { headers: { 'x-api-key': ROOT } });
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return (await response.text()).split('\n');
}

describe('metrics', () => {
  it('count requests by route template and status, never by path', async () => {
    const lines = await scrape(['/api/task/1', '/api/task/2', '/nowhere/7']);
    expect(lines).toContain('conductor_http_requests_total{method="GET",route="/api/task/:id",status="200"} 2');
    expect(lines).toContain('conductor_http_requests_total{method="",route="none",status="404"} 1');
    expect(lines).toContain('conductor_http_requests_total{method="GET",route="/metrics",status="401"} 1');
    expect(lines.join('\n')).not.toContain('/nowhere');
  });

  it('hold a cumulative histogram that ends at the count', async () => {
    const lines = await scrape(['/api/task/1', '/api/task/2']);
    const labels = 'method="GET",route="/api/task/:id"';
    const buckets = lines.filter((line) => line.startsWith(`conductor_http_request_seconds_bucket{${labels}`));
    const values = buckets.map((line) => Number(line.split(' ').at(-1)));
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(buckets.at(-1)).toBe(`conductor_http_request_seconds_bucket{${labels},le="+Inf"} 2`);
    expect(lines).toContain(`conductor_http_request_seconds_count{${labels}} 2`);
  });

  it('puts a duration into the first bucket that holds it', () => {
    const metrics = new HttpMetrics();
    const [route] = metricsRoutes(orchestrator, metrics);
    for (const seconds of [0.001, 0.0011, 5, 11]) metrics.observe(route ?? null, 'GET', 200, seconds);
    const counts = metrics
      .lines()
      .filter((line) => line.includes('_bucket'))
      .map((line) => Number(line.split(' ').at(-1)));
    expect(counts).toEqual([1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 4]);
  });

  it('show the orchestrator and its queues, with labels escaped', async () => {
    const lines = await scrape([]);
    expect(lines).toContain('conductor_ready_tasks 5');
    expect(lines).toContain('conductor_rounds_total 3');
    expect(lines).toContain('conductor_queue_size{queue="charge"} 5');
    expect(lines).toContain('conductor_queue_size{queue="eu:odd\\"\\\\name\\n"} 0');
  });
});
