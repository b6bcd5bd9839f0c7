// `Authorization: Basic`, the key as user name and any password, or the key as password of any user: what curl -u and
// HTTP clients without custom headers can send.
import { KEY_PREFIX } from '../key-text.ts';
import type { Credential } from './credential.ts';

export const basic: Credential = {
  name: 'Authorization: Basic',
  read(header) {
    const value = header('authorization');
    if (value === undefined || value.slice(0, 6).toLowerCase() !== 'basic ') return undefined;
    const text = decode(value.slice(6).trim());
    const colon = text.indexOf(':');
    const user = colon < 0 ? text : text.slice(0, colon);
    const password = colon < 0 ? '' : text.slice(colon + 1);
    return (password.startsWith(KEY_PREFIX) ? password : user) || undefined;
  },
};

/** An unreadable value is a credential all the same, and must be refused rather than overlooked. */
function decode(base64: string): string {
  try {
    return atob(base64);
  } catch {
    return '?';
  }
}
