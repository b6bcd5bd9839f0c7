// The credential chain, in the order in which a request is searched. The first one present decides.
import { apiKey } from './api-key.ts';
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { conductorToken } from './conductor-token.ts';
import type { Credential } from './credential.ts';

export const CREDENTIALS: readonly Credential[] = [apiKey, conductorToken, bearer, basic];
export { basic, bearer };
