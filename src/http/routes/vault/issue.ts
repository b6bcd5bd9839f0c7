// Handing out vault keys: a new one, or the run's own to a worker that asks by the run's label. The only answers that
// hold a key's text.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { isJsonObject } from '../../../model/json.ts';
import { issueRequestSchema, parse } from '../../../vault/control/issue-request.ts';
import type { IssuedKey, ResolveCall } from '../../../vault/control/key-control.ts';
import { keyView } from '../../../vault/control/views.ts';
import type { Vault } from '../../../vault/create-vault.ts';
import { type HttpRequest, json, type Reply, type Route } from '../../route.ts';
import { anyVendor, vaultPermission } from './permissions.ts';

const resolveSchema = z.strictObject({
  agent_run_label: z.string().min(1).max(255).nullish(),
  /** Short for the label `conductor/<workflow_id>`; also says whose task it is. */
  workflow_id: z.string().min(1).max(255).nullish(),
  vendor: z.string().min(1).nullish(),
  /** Reference name of the task that will use the key, alone or with its attempt. */
  task: z
    .union([
      z.string().min(1),
      z.strictObject({ task_reference_name: z.string().min(1), attempt: z.number().int().min(0).nullish() }),
    ])
    .nullish(),
});

export function issueRoutes(vault: Vault): Route[] {
  return [
    {
      method: 'POST',
      path: '/vault/keys',
      requires: async (request) => vaultPermission(vendorOf(await request.json(), vault.vendors), 'issue'),
      dialect: 'vault',
      summary: 'Issues a vault key: a capped stand-in for a vendor secret',
      reply: { contentType: 'application/json' },
      body: issueRequestSchema,
      async handle(request) {
        const idempotencyKey = request.header('idempotency-key') ?? null;
        const body = await request.json();
        const issued = await vault.keys.issue({ body, idempotencyKey, principal: request.principal.id });
        return issuedReply(vault, issued);
      },
    },
    {
      method: 'POST',
      path: '/vault/keys/resolve',
      requires: async (request) => resolvePermission(vault, await readResolve(request)),
      dialect: 'vault',
      summary: 'Derives the key of a run for one of its workers, by label or workflow id',
      reply: { contentType: 'application/json' },
      body: resolveSchema,
      async handle(request) {
        return issuedReply(vault, await vault.keys.resolve(await readResolve(request)));
      },
    },
  ];
}

function issuedReply(vault: Vault, { key, text, created }: IssuedKey): Reply {
  const view = keyView(key, vault.publicUrl(), vault.now());
  const reply = json({ vault_key: text, token: text, ...view }, created ? 201 : 200);
  return { ...reply, headers: { 'cache-control': 'no-store' } };
}

/** Only to name the permission: what else is wrong with the body is the handler's to say. */
function vendorOf(body: unknown, vendors: ReadonlySet<string>): string {
  if (!isJsonObject(body))
    throw new AppError('invalid_request', 'The body must be a JSON object that describes the key.');
  const { vendor } = body;
  if (typeof vendor === 'string' && vendors.has(vendor)) return vendor;
  const message = `must be one of: ${[...vendors].join(', ')}`;
  throw new AppError('invalid_request', `vendor: ${message}.`, [{ path: 'vendor', message }]);
}

async function readResolve(request: HttpRequest): Promise<ResolveCall> {
  const { agent_run_label, workflow_id, vendor, task } = parse(resolveSchema, await request.json());
  const label = agent_run_label ?? (workflow_id ? `conductor/${workflow_id}` : null);
  if (label === null) {
    throw new AppError('invalid_request', 'agent_run_label: is missing; send it, or workflow_id.', [
      { path: 'agent_run_label', message: 'is missing; send it, or workflow_id' },
    ]);
  }
  const runId = workflow_id ?? null;
  return { label, vendor: vendor ?? null, task: task ? { ...taskOf(task), runId } : null };
}

function taskOf(task: string | { task_reference_name: string; attempt?: number | null | undefined }) {
  if (typeof task === 'string') return { ref: task, attempt: 0 };
  return { ref: task.task_reference_name, attempt: task.attempt ?? 0 };
}

async function resolvePermission(vault: Vault, { label, vendor }: ResolveCall): Promise<string> {
  if (vendor !== null) return vaultPermission(vendor, 'resolve');
  const [only, other] = await vault.keys.vendorsOfLabel(label);
  return only === undefined || other !== undefined
    ? anyVendor(vault.vendors, 'resolve')
    : vaultPermission(only, 'resolve');
}
