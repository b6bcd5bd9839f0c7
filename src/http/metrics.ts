// Numbers for Prometheus: what the mounts observed and what the orchestrator counts. Observing is two additions and
// must stay so; text is only made when somebody asks for it. Labels are route templates, never paths.
import type { Orchestrator } from '../orchestrator/orchestrator-api.ts';
import type { HttpObserver } from './dispatch.ts';
import type { Reply, Route } from './route.ts';

/** Seconds. From a read in memory to the longest poll. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Series {
  readonly labels: string;
  readonly byStatus: Map<number, number>;
  /** One per bucket and one for everything above; not cumulative. */
  readonly counts: number[];
  seconds: number;
}

/** Counts what the dispatcher reports. */
export class HttpMetrics implements HttpObserver {
  readonly #series = new Map<string, Series>();
  /** Saves making the labels; routes of a project that was reloaded go on in the series of the same path. */
  readonly #byRoute = new WeakMap<Route, Series>();
  readonly #unmatched = new Map<number, number>();

  observe(route: Route | null, _method: string, status: number, seconds: number): void {
    if (!route) {
      increment(this.#unmatched, status);
      return;
    }
    const series = this.#byRoute.get(route) ?? this.#seriesOf(route);
    increment(series.byStatus, status);
    const at = bucketOf(seconds);
    series.counts[at] = (series.counts[at] ?? 0) + 1;
    series.seconds += seconds;
  }

  #seriesOf(route: Route): Series {
    const labels = `method="${route.method}",route="${escapeLabel(route.path)}"`;
    const known = this.#series.get(labels);
    const series = known ?? { labels, byStatus: new Map(), counts: new Array(BUCKETS.length + 1).fill(0), seconds: 0 };
    this.#series.set(labels, series);
    this.#byRoute.set(route, series);
    return series;
  }

  lines(): string[] {
    const requests = [...this.#series.values()].flatMap(({ labels, byStatus }) => requestLines(labels, byStatus));
    return [
      '# HELP conductor_http_requests_total Requests answered.',
      '# TYPE conductor_http_requests_total counter',
      ...requests,
      ...requestLines('method="",route="none"', this.#unmatched),
      '# HELP conductor_http_request_seconds Time from a matched request to its reply; polls include their wait.',
      '# TYPE conductor_http_request_seconds histogram',
      ...[...this.#series.values()].flatMap(histogramLines),
    ];
  }
}

type Source = Pick<Orchestrator, 'stats' | 'queueSizes'>;

export function metricsRoutes(orchestrator: Source, http: HttpMetrics): Route[] {
  return ['/metrics', '/actuator/prometheus'].map((path) => ({
    method: 'GET',
    path,
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'Metrics in the Prometheus text format',
    reply: { contentType: 'text/plain' },
    handle: async (): Promise<Reply> => ({
      status: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: `${[...(await orchestratorLines(orchestrator)), ...http.lines()].join('\n')}\n`,
    }),
  }));
}

async function orchestratorLines(orchestrator: Source): Promise<string[]> {
  const stats = orchestrator.stats();
  const queues = Object.entries(await orchestrator.queueSizes());
  return [
    ...single('conductor_rounds_total', 'counter', 'Transactions committed by the loop.', stats.rounds),
    ...single('conductor_operations_total', 'counter', 'Operations decided by the loop.', stats.operations),
    ...single('conductor_cached_runs', 'gauge', 'Executions held in memory.', stats.cachedRuns),
    ...single('conductor_ready_tasks', 'gauge', 'Tasks that wait for a worker.', stats.readyTasks),
    ...single('conductor_waiting_pollers', 'gauge', 'Polls that wait for a task.', stats.waitingPollers),
    ...single('conductor_timers', 'gauge', 'Instants that the engine waits for.', stats.timers),
    '# HELP conductor_queue_size Tasks that wait for a worker, by queue.',
    '# TYPE conductor_queue_size gauge',
    ...queues.map(([queue, size]) => `conductor_queue_size{queue="${escapeLabel(queue)}"} ${size}`),
  ];
}

function single(name: string, type: 'counter' | 'gauge', help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${value}`];
}

function requestLines(labels: string, byStatus: ReadonlyMap<number, number>): string[] {
  return [...byStatus].map(([status, count]) => `conductor_http_requests_total{${labels},status="${status}"} ${count}`);
}

function histogramLines({ labels, counts, seconds }: Series): string[] {
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    return `conductor_http_request_seconds_bucket{${labels},le="${BUCKETS[i] ?? '+Inf'}"} ${total}`;
  });
  return [
    ...buckets,
    `conductor_http_request_seconds_sum{${labels}} ${seconds}`,
    `conductor_http_request_seconds_count{${labels}} ${total}`,
  ];
}

function bucketOf(seconds: number): number {
  let at = 0;
  while (at < BUCKETS.length && seconds > (BUCKETS[at] ?? 0)) at += 1;
  return at;
}

function increment(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
