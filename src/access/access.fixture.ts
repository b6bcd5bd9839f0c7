// For tests: access on a database of its own, requests as it sees them, and what became of them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../model/error.ts';
import { Loop } from '../orchestrator/loop.ts';
import type { Clock } from '../orchestrator/ports.ts';
import { createSqliteStore } from '../store/sqlite/store.ts';
import type { Access, HeaderLookup, Principal } from './access.ts';
import { type AccessOptions, createAccess } from './create-access.ts';
import type { GuardedRequest } from './guard.ts';

/** Opens what access needs once; `access` may then be made many times. */
export async function accessOnDisk(clock: Clock) {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-access-'));
  const store = await createSqliteStore({ path: join(folder, 'test.db') });
  const loop = new Loop(store, clock);
  return {
    access: (options: Partial<AccessOptions> = {}) =>
      createAccess({
        transactor: loop,
        reads: store.reads,
        freshness: null,
        clock,
        tokenSecret: new Uint8Array(32).fill(7),
        ...options,
      }),
    close: async () => {
      await loop.drained();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The code of the AppError that `act` ends with; `accepted` when it does not. */
export async function outcomeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

/** Who is calling, where the answer must come at once. */
export function callerOf(access: Access, header: HeaderLookup): Principal {
  const caller = access.authenticate(header);
  if (caller instanceof Promise) throw new TypeError('Our own keys and tokens are answered for at once.');
  return caller;
}

export const withHeaders =
  (values: Readonly<Record<string, string>>): HeaderLookup =>
  (name) =>
    values[name];

/** A request as a guard sees it. */
export function guarded(
  headers: Readonly<Record<string, string>>,
  { method = 'POST', target = '/hook', body = '' as string | Uint8Array } = {},
): GuardedRequest {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return { method, target, header: withHeaders(headers), bytes: async () => bytes };
}
