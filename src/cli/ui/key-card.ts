// A new key as it is shown, once.
import type { GeneratedKey } from '../key-client.ts';
import { dateOrNever } from './date.ts';
import type { Style } from './style.ts';

export function keyCard(headline: string, key: GeneratedKey, style: Style): string {
  return [
    `${style.good('✓')} ${headline}`,
    `Key ID: ${key.keyId}`,
    `Key: ${key.key}`,
    `Permissions: ${key.permissions.join(', ')}`,
    `Expires: ${dateOrNever(key.expiresAt)}`,
    style.warn("⚠️ Save this key now - it won't be shown again!"),
    '',
  ].join('\n');
}
