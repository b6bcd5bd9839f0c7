// `X-API-Key: cnd_live_…`.
import type { Credential } from './credential.ts';

export const apiKey: Credential = {
  name: 'X-API-Key',
  read: (header) => header('x-api-key')?.trim() || undefined,
};
