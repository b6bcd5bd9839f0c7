// What waits in the queues and who polls them, over every process that serves the same database.
import { z } from 'zod';
import type { PollRecord } from '../../../store/write-batch.ts';
import { permission } from '../../permission.ts';
import { textQuery } from '../../query.ts';
import { type HttpRequest, json, type Reply, type Route, text } from '../../route.ts';
import type { RouteDeps } from './deps.ts';

const SEES_QUEUES = () => permission('task', '*', 'read');

export function taskQueueRoutes({ orchestrator }: RouteDeps): Route[] {
  const sizes = () => orchestrator.queueSizes();
  return [
    show(
      'sizes',
      'How many tasks wait, by task type',
      async ({ query }) => {
        const all = await sizes();
        return json(Object.fromEntries(query.getAll('taskType').map((type) => [type, sizeIn(all, type)])));
      },
      { taskType: z.array(z.string()).optional() },
    ),
    show(
      'size',
      'How many tasks of one type wait',
      async (request) => json(sizeIn(await sizes(), queueName(request))),
      { taskType: z.string().optional(), domain: z.string().optional() },
    ),
    show('all', 'How many tasks wait, in all queues', async () => json(await sizes())),
    show('all/verbose', 'How many tasks wait, in all queues, by shard', async () => json(verbose(await sizes()))),
    show(
      'polldata',
      'Who polled a task type, and when last',
      async ({ query }) => {
        const type = query.get('taskType');
        const polls = await orchestrator.pollData();
        return json(polls.flatMap((poll) => (poll.queueName === type ? [pollData(poll)] : [])));
      },
      { taskType: z.string().optional() },
    ),
    show('polldata/all', 'Who polled, and when last', async () => json((await orchestrator.pollData()).map(pollData))),
    requeue(),
  ];
}

function show(
  path: string,
  summary: string,
  handle: (request: HttpRequest) => Reply | Promise<Reply>,
  queryParameters: Route['queryParameters'] = {},
): Route {
  return {
    method: 'GET',
    path: `/api/tasks/queue/${path}`,
    requires: SEES_QUEUES,
    dialect: 'conductor',
    summary,
    queryParameters,
    reply: { contentType: 'application/json' },
    handle,
  };
}

function requeue(): Route {
  return {
    method: 'POST',
    path: '/api/tasks/queue/requeue/:type',
    requires: ({ params }) => permission('task', params.type ?? '', 'update'),
    dialect: 'conductor',
    summary: 'How many tasks had to be queued again: none, queues follow from the stored tasks',
    reply: { contentType: 'text/plain' },
    handle: () => text('0'),
  };
}

/** Domain queues are called `domain:type`. */
function queueName(request: HttpRequest): string {
  const type = request.query.get('taskType') ?? '';
  const domain = textQuery(request, 'domain');
  return domain === null ? type : `${domain}:${type}`;
}

function sizeIn(sizes: Readonly<Record<string, number>>, queue: string): number {
  return Object.hasOwn(sizes, queue) ? (sizes[queue] ?? 0) : 0;
}

/** One shard, nothing unacknowledged: a handed-out task is not in a queue any more. */
function verbose(sizes: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.entries(sizes).map(([queue, size]) => [queue, { a: { size, uacked: 0 } }]));
}

function pollData({ queueName: name, domain, workerId, lastPollMs }: PollRecord) {
  return { queueName: name, domain: domain === '' ? undefined : domain, workerId, lastPollTime: lastPollMs };
}
