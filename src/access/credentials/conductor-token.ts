// `X-Authorization: <token>`: what Conductor's SDKs send after they signed in at /api/token.
import type { Credential } from './credential.ts';

export const conductorToken: Credential = {
  name: 'X-Authorization',
  read: (header) => header('x-authorization')?.trim() || undefined,
};
