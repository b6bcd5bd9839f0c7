// Who looked at an execution's history, and when. Reading this list is not itself recorded.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import type { Transactor } from '../../../orchestrator/ports.ts';
import type { Reads } from '../../../store/reads.ts';
import { json, type Route } from '../../route.ts';

export function historyReadRoutes(reads: Pick<Reads, 'historyReads'>, transactor: Transactor): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/admin/history-reads',
      requires: () => 'audit:*:read',
      dialect: 'conductor',
      summary: "Reads of an execution's history: principal, route and time",
      queryParameters: { workflowId: z.string() },
      reply: { contentType: 'application/json' },
      async handle({ query }) {
        const workflowId = query.get('workflowId');
        if (!workflowId) {
          throw new AppError('invalid_request', 'Name an execution: ?workflowId=…', [
            { path: 'workflowId', message: 'must not be empty' },
          ]);
        }
        // Reads are recorded after their reply; what was submitted by now is to be seen.
        await transactor.settled();
        const found = await reads.historyReads(workflowId);
        return json({
          historyReads: found.map((read) => ({
            at: read.atMs,
            principal: read.principal,
            workflowId: read.runId,
            route: read.route,
          })),
        });
      },
    },
  ];
}
