// Handing tasks to workers. A batch poll that finds nothing waits up to its timeout and then answers 200 `[]`; a
// single poll answers a bare 204, which SDKs tell from an empty document by its missing Content-Type.
import { z } from 'zod';
import type { PollRequest } from '../../../orchestrator/orchestrator-api.ts';
import { permission } from '../../permission.ts';
import { textQuery, wholeQuery, workerQuery } from '../../query.ts';
import { type HttpRequest, jsonText, NO_CONTENT, type Reply, type Route } from '../../route.ts';
import { handedTaskText } from '../../wire/task-text.ts';
import type { RouteDeps } from './deps.ts';

const POLL_TIMEOUT_MS_MAX = 5000;
const POLL_TIMEOUT_MS = 100;
/** What one reply may hold; a worker that asks for more simply polls again. */
const POLL_COUNT_MAX = 1000;

const NOTHING: Reply = jsonText('[]');

export function taskPollRoutes({ orchestrator }: RouteDeps): Route[] {
  const requires = ({ params }: HttpRequest) => permission('task', params.type ?? '', 'poll');
  const queryParameters = {
    workerid: z.string().optional(),
    domain: z.string().optional(),
    timeout: z.int().min(0).max(POLL_TIMEOUT_MS_MAX).optional(),
  };
  return [
    {
      method: 'GET',
      changes: true,
      path: '/api/tasks/poll/:type',
      requires,
      dialect: 'conductor',
      summary: 'Take one task of a type',
      queryParameters,
      reply: { contentType: 'application/json' },
      async handle(request) {
        const [handed] = await orchestrator.poll(pollRequest(request, 1));
        return handed ? jsonText(handedTaskText(handed)) : NO_CONTENT;
      },
    },
    {
      method: 'GET',
      changes: true,
      path: '/api/tasks/poll/batch/:type',
      requires,
      dialect: 'conductor',
      summary: 'Take several tasks of a type, waiting for the first',
      queryParameters: { ...queryParameters, count: z.int().min(1).optional() },
      reply: { contentType: 'application/json' },
      async handle(request) {
        const count = Math.min(wholeQuery(request, 'count', 1, { min: 1 }), POLL_COUNT_MAX);
        const handed = await orchestrator.poll(pollRequest(request, count));
        return handed.length === 0 ? NOTHING : jsonText(`[${handed.map(handedTaskText).join(',')}]`);
      },
    },
  ];
}

function pollRequest(request: HttpRequest, count: number): PollRequest {
  return {
    taskType: request.params.type ?? '',
    workerId: workerQuery(request),
    domain: textQuery(request, 'domain'),
    count,
    timeoutMs: wholeQuery(request, 'timeout', POLL_TIMEOUT_MS, { max: POLL_TIMEOUT_MS_MAX }),
    signal: request.signal,
  };
}
