// What was spent: the audit, call by call, and a run's totals per task.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { auditView, spendView } from '../../../vault/control/views.ts';
import type { Vault } from '../../../vault/create-vault.ts';
import { textQuery, wholeQuery } from '../../query.ts';
import { json, type Route } from '../../route.ts';
import { anyVendor } from './permissions.ts';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

export function auditRoutes(vault: Vault): Route[] {
  const requires = () => anyVendor(vault.vendors, 'read');
  return [
    {
      method: 'GET',
      path: '/vault/audit',
      requires,
      dialect: 'vault',
      summary: 'Vendor calls in the order they were recorded; ask again with after=<next> for more',
      reply: { contentType: 'application/json' },
      queryParameters: {
        workflowId: z.string().optional(),
        key_id: z.string().optional(),
        verdict: z.string().optional(),
        after: z.number().int().optional(),
        limit: z.number().int().optional(),
      },
      async handle(request) {
        const limit = wholeQuery(request, 'limit', PAGE_DEFAULT, { min: 1, max: PAGE_MAX });
        const runId = textQuery(request, 'workflowId');
        const keyId = textQuery(request, 'key_id');
        const verdict = textQuery(request, 'verdict');
        const afterId = wholeQuery(request, 'after', null);
        const rows = await vault.reads.audit({
          limit,
          ...(runId ? { runId } : {}),
          ...(keyId ? { keyId } : {}),
          ...(verdict ? { verdict } : {}),
          ...(afterId === null ? {} : { afterId }),
        });
        const next = rows.length === limit ? (rows.at(-1)?.id ?? null) : null;
        return json({ entries: rows.map(auditView), next });
      },
    },
    {
      method: 'GET',
      path: '/vault/spend',
      requires,
      dialect: 'vault',
      summary: 'What an execution spent: per task and in all',
      reply: { contentType: 'application/json' },
      queryParameters: { workflowId: z.string() },
      async handle(request) {
        const workflowId = textQuery(request, 'workflowId');
        if (workflowId === null) {
          const message = 'is missing in the query: say which execution';
          throw new AppError('invalid_request', `workflowId: ${message}.`, [{ path: 'workflowId', message }]);
        }
        return json(spendView(workflowId, await vault.reads.spend(workflowId)));
      },
    },
  ];
}
