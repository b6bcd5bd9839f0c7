// `Authorization: Bearer <key or token>`. The scheme is case-insensitive (RFC 9110).
import type { Credential } from './credential.ts';

export const bearer: Credential = {
  name: 'Authorization: Bearer',
  read(header) {
    const value = header('authorization');
    if (value === undefined || value.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
    return value.slice(7).trim() || undefined;
  },
};
