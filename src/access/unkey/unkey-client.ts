// The plugin for Unkey: the package @unkey/api, loaded only where the configuration asks for it, and seen through the
// one call that is made. Every request of it leaves by our own door. Must never appear in a static import.
import { z } from 'zod';
import type { SafeFetch } from '../../egress/egress.ts';
import type { UnkeySettings } from '../policy.ts';

export interface UnkeyClient {
  readonly keys: { verifyKey(request: { key: string; tags?: string[] }): Promise<unknown> };
}

interface UnkeyOptions {
  readonly rootKey: string;
  readonly serverURL?: string;
  readonly timeoutMs: number;
  readonly retryConfig: { readonly strategy: 'none' };
  readonly httpClient: { request(request: Request): Promise<Response> };
}

const PACKAGE: string = '@unkey/api';
const TIMEOUT_MS = 5_000;

const UnkeyModule = z.object({
  Unkey: z.custom<new (options: UnkeyOptions) => UnkeyClient>((value) => typeof value === 'function'),
});

/** Rejects with an Error that says what to install or to configure. */
export async function openUnkey(settings: UnkeySettings, safeFetch: SafeFetch): Promise<UnkeyClient> {
  if (settings.rootKey === '') throw new Error('auth.provider "unkey" needs auth.rootKey, a root key of Unkey.');
  const { data } = UnkeyModule.safeParse(await load(settings));
  if (!data)
    throw new Error(`The installed ${PACKAGE} has no class Unkey: install version 2 (npm install ${PACKAGE}).`);
  return new data.Unkey({
    rootKey: settings.rootKey,
    timeoutMs: TIMEOUT_MS,
    // A second try would be charged as a second use of the key.
    retryConfig: { strategy: 'none' },
    httpClient: { request: (request) => safeFetch(request) },
    ...(settings.serverUrl === undefined ? {} : { serverURL: settings.serverUrl }),
  });
}

async function load({ load: given }: UnkeySettings): Promise<unknown> {
  try {
    return await (given ? given() : import(PACKAGE));
  } catch (cause) {
    throw new Error(`auth.provider "unkey" needs the package ${PACKAGE}: npm install ${PACKAGE}`, { cause });
  }
}
