// Vendor secrets over HTTP: store, list, remove. A secret comes in and never goes out again.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { readBody } from '../../body.ts';
import { permission } from '../../permission.ts';
import { type HttpRequest, json, NO_CONTENT, type Route } from '../../route.ts';

/** The vault's part of this. */
export interface VendorSecrets {
  list(): readonly SecretSummary[];
  /** Replaces the vendor's secret. */
  put(vendor: string, secret: string, name: string): Promise<SecretSummary>;
  /** Throws AppError not_found. */
  remove(vendor: string): Promise<void>;
}

export interface SecretSummary {
  readonly vendor: string;
  readonly name: string;
  readonly source: 'store' | 'environment';
  /** 0 where nobody knows. */
  readonly createdMs: number;
}

const PATH = '/api/v1/admin/secrets';
const SECRET_LENGTH_MAX = 4096;

const putSchema = z.strictObject({
  secret: z.string(),
  name: z.string().min(1).max(100).default('default'),
});

export function secretRoutes(secrets: VendorSecrets, vendors: ReadonlySet<string>): Route[] {
  const manage = ({ params }: HttpRequest) => permission('secrets', params.vendor ?? '', 'manage');
  return [
    {
      method: 'GET',
      path: PATH,
      requires: () => 'secrets:*:read',
      dialect: 'conductor',
      summary: 'The vendors whose secret the vault holds, without the secrets',
      handle: () => json({ secrets: secrets.list().map(view) }),
    },
    {
      method: 'PUT',
      path: `${PATH}/:vendor`,
      requires: manage,
      dialect: 'conductor',
      summary: 'Stores the secret of a vendor, or replaces it',
      body: putSchema,
      async handle(request) {
        const { secret, name } = await readBody(request, putSchema);
        const { vendor = '' } = request.params;
        if (!vendors.has(vendor)) throw unknownVendor(vendor, vendors);
        assertSecret(secret);
        return json(view(await secrets.put(vendor, secret, name)));
      },
    },
    {
      method: 'DELETE',
      path: `${PATH}/:vendor`,
      requires: manage,
      dialect: 'conductor',
      summary: 'Removes the stored secret of a vendor',
      async handle({ params }) {
        await secrets.remove(params.vendor ?? '');
        return NO_CONTENT;
      },
    },
  ];
}

function unknownVendor(vendor: string, vendors: ReadonlySet<string>): AppError {
  return new AppError('not_found', `There is no vendor "${vendor}". The vault speaks for: ${[...vendors].join(', ')}.`);
}

/** Not part of the schema: a failed schema shows the value that failed. */
function assertSecret(secret: string): void {
  // It becomes a header of the vendor's request.
  if (/^[\x21-\x7e]+$/.test(secret) && secret.length <= SECRET_LENGTH_MAX) return;
  const message = `must be 1 to ${SECRET_LENGTH_MAX} printable ASCII characters without spaces`;
  throw new AppError('invalid_request', `The secret ${message}.`, [{ path: 'secret', message }]);
}

function view({ vendor, name, source, createdMs }: SecretSummary) {
  return { vendor, name, source, createdAt: createdMs || null };
}
