// `Authorization: Basic`, the key as user name and any password, or the key as password of any user: what curl -u and
// HTTP clients without custom headers can send.
import { readBasic } from '../basic-credentials.ts';
import { KEY_PREFIX } from '../key-text.ts';
import type { Credential } from './credential.ts';

export const basic: Credential = {
  name: 'Authorization: Basic',
  read(header) {
    const given = readBasic(header);
    if (!given) return undefined;
    const secret = given.password.startsWith(KEY_PREFIX) ? given.password : given.user;
    // One that names nobody is a credential all the same, and must be refused rather than overlooked.
    return secret || '?';
  },
};
