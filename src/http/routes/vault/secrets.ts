// Vendor secrets: a secret goes in and never comes out again.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { secretView } from '../../../vault/control/views.ts';
import type { Vault } from '../../../vault/create-vault.ts';
import { readBody } from '../../body.ts';
import { type HttpRequest, json, NO_CONTENT, type Route } from '../../route.ts';
import { anyVendor, vaultPermission } from './permissions.ts';

const putSchema = z.strictObject({ secret: z.string(), name: z.string().min(1).max(100).default('default') });

/** It becomes a header of the vendor's request. */
const SECRET = /^[\x21-\x7e]{8,4096}$/;

export function secretRoutes(vault: Vault): Route[] {
  const { secrets, vendors } = vault;
  const requires = ({ params }: HttpRequest) => vaultPermission(params.vendor ?? '', 'manage');
  const vendorOf = ({ params }: HttpRequest) => {
    const vendor = params.vendor ?? '';
    if (vendors.has(vendor)) return vendor;
    throw new AppError('not_found', `"${vendor}" is not a vendor of the vault; known: ${[...vendors].join(', ')}.`);
  };
  return [
    {
      method: 'GET',
      path: '/vault/secrets',
      requires: () => anyVendor(vendors, 'manage'),
      dialect: 'vault',
      summary: 'The vendors whose secret the vault holds, without the secrets',
      reply: { contentType: 'application/json' },
      handle: () => json({ secrets: secrets.list().map(secretView) }),
    },
    {
      method: 'GET',
      path: '/vault/secrets/:vendor',
      requires,
      dialect: 'vault',
      summary: 'Whether and since when the vault holds a secret of a vendor',
      reply: { contentType: 'application/json' },
      handle(request) {
        const vendor = vendorOf(request);
        const found = secrets.list().find((secret) => secret.vendor === vendor);
        if (!found) throw new AppError('not_found', `The vault holds no secret of ${vendor}.`);
        return json(secretView(found));
      },
    },
    {
      method: 'PUT',
      path: '/vault/secrets/:vendor',
      requires,
      dialect: 'vault',
      summary: 'Stores the secret of a vendor, or replaces it',
      reply: { contentType: 'application/json' },
      body: putSchema,
      async handle(request) {
        const vendor = vendorOf(request);
        const { secret, name } = await readBody(request, putSchema);
        if (!SECRET.test(secret)) {
          // The text itself is not repeated: it may be most of the real one.
          const message = 'must be 8 to 4096 printable ASCII characters without spaces';
          throw new AppError('invalid_request', `secret: ${message}.`, [{ path: 'secret', message }]);
        }
        return json(secretView(await secrets.put(vendor, secret, name)));
      },
    },
    {
      method: 'DELETE',
      path: '/vault/secrets/:vendor',
      requires,
      dialect: 'vault',
      summary: 'Removes the stored secret of a vendor',
      async handle(request) {
        await secrets.remove(vendorOf(request));
        return NO_CONTENT;
      },
    },
  ];
}
