// Reading, changing and revoking vault keys. No answer here holds a key's text.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import type { VaultKey } from '../../../model/vault.ts';
import { patchRequestSchema } from '../../../vault/control/issue-request.ts';
import type { KeyWithUsage } from '../../../vault/control/key-control.ts';
import { keyView, usageView } from '../../../vault/control/views.ts';
import type { Vault } from '../../../vault/create-vault.ts';
import { textQuery, wholeQuery } from '../../query.ts';
import { type HttpRequest, json, type Route } from '../../route.ts';
import { anyVendor, type VaultAction, vaultPermission } from './permissions.ts';

const LIST_DEFAULT = 100;
const LIST_MAX = 1000;

export function keyRoutes(vault: Vault): Route[] {
  const { keys } = vault;
  const ofKey = (action: VaultAction) => async (request: HttpRequest) =>
    vaultPermission(await keys.vendorOf(idOf(request)), action);
  const view = ({ key, usage }: KeyWithUsage) => ({ ...shown(vault, key), ...usageView(key, usage, vault.now()) });
  return [
    {
      method: 'GET',
      path: '/vault/keys',
      requires: ({ query }) => listPermission(vault, query.get('vendor'), 'read'),
      dialect: 'vault',
      summary: 'Vault keys with what they spent, newest first',
      reply: { contentType: 'application/json' },
      queryParameters: {
        vendor: z.string().optional(),
        agent_run_label: z.string().optional(),
        limit: z.number().int().optional(),
      },
      async handle(request) {
        const vendor = textQuery(request, 'vendor');
        const runLabel = textQuery(request, 'agent_run_label');
        const limit = wholeQuery(request, 'limit', LIST_DEFAULT, { min: 1, max: LIST_MAX });
        const found = await keys.list({ limit, ...(vendor ? { vendor } : {}), ...(runLabel ? { runLabel } : {}) });
        return json({ keys: found.map(view) });
      },
    },
    {
      method: 'GET',
      path: '/vault/keys/self',
      // The vault key is itself the credential here, and only here.
      requires: 'public',
      dialect: 'vault',
      summary: 'The vault key that the caller holds: its policy and what is left of its cap',
      reply: { contentType: 'application/json' },
      handle: async ({ header }) => json(view(await keys.self(header('authorization')))),
    },
    {
      method: 'GET',
      path: '/vault/keys/:id',
      requires: ofKey('read'),
      dialect: 'vault',
      summary: 'One vault key: spent, reserved, remaining',
      reply: { contentType: 'application/json' },
      handle: async (request) => json(view(await keys.get(idOf(request)))),
    },
    {
      method: 'PATCH',
      path: '/vault/keys/:id',
      requires: ofKey('issue'),
      dialect: 'vault',
      summary: 'Changes the cap or the expiry; what was spent stays spent',
      reply: { contentType: 'application/json' },
      body: patchRequestSchema,
      handle: async (request) => json(view(await keys.patch(idOf(request), await request.json()))),
    },
    {
      method: 'DELETE',
      path: '/vault/keys/:id',
      requires: ofKey('revoke'),
      dialect: 'vault',
      summary: 'Revokes a vault key, from the next call of any worker on',
      reply: { contentType: 'application/json' },
      handle: async (request) => json(revoked(vault, await keys.revoke(idOf(request)))),
    },
    {
      method: 'DELETE',
      path: '/vault/keys',
      requires: (request) => labelPermission(vault, labelOf(request)),
      dialect: 'vault',
      summary: 'Revokes every vault key under a label',
      reply: { contentType: 'application/json' },
      queryParameters: { agent_run_label: z.string() },
      async handle(request) {
        const found = await keys.revokeLabel(labelOf(request));
        return json({ revoked: found.length, keys: found.map((key) => revoked(vault, key)) });
      },
    },
  ];
}

function shown(vault: Vault, key: VaultKey) {
  return keyView(key, vault.publicUrl(), vault.now());
}

function revoked(vault: Vault, key: VaultKey) {
  const { key_id, id, agent_run_label, status, revoked_at } = shown(vault, key);
  return { key_id, id, agent_run_label, status, revoked: true, revoked_at };
}

function listPermission(vault: Vault, vendor: string | null, action: VaultAction): string {
  return vendor ? vaultPermission(vendor, action) : anyVendor(vault.vendors, action);
}

async function labelPermission(vault: Vault, label: string): Promise<string> {
  const [only, other] = await vault.keys.vendorsOfLabel(label);
  return only === undefined || other !== undefined
    ? anyVendor(vault.vendors, 'revoke')
    : vaultPermission(only, 'revoke');
}

function idOf({ params }: HttpRequest): string {
  return params.id ?? '';
}

function labelOf(request: HttpRequest): string {
  const label = textQuery(request, 'agent_run_label');
  if (label !== null) return label;
  const message = 'is missing in the query: say which label, or name one key as /vault/keys/<key_id>';
  throw new AppError('invalid_request', `agent_run_label: ${message}.`, [{ path: 'agent_run_label', message }]);
}
