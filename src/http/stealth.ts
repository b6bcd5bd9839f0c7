// Stealth: who has not proved who they are sees nothing that a path without a route would not show: the same status,
// body and headers, and no sooner. Must never hide a failure of the server itself.
import { AppError } from '../model/error.ts';
import type { Reply, Route } from './route.ts';

export interface Stealth {
  /** No hidden reply leaves sooner after its request came. */
  readonly delayMs: number;
  /** Waits; `setTimeout` unless told. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** What became of one request, as far as hiding needs to know. */
export interface Progress {
  /** The route's requirement was met. */
  entered: boolean;
  /** The caller is to be told why, whatever else is hidden from them. */
  explained: boolean;
}

/** Whether the reply of a route would tell a stranger that the route is there. */
export function isHidden(route: Route, reply: Reply, progress: Progress): boolean {
  if (reply.status === 401) return true;
  if (progress.entered || progress.explained || route.requires === 'public') return false;
  return reply.status < 500;
}

/** An error that says why (`reason`) is meant for a caller who proved who they are. */
export function explains(error: unknown): boolean {
  return error instanceof AppError && typeof Reflect.get(error, 'reason') === 'string';
}

export async function pad({ delayMs, wait = sleep }: Stealth, startedMs: number): Promise<void> {
  const leftMs = delayMs - (performance.now() - startedMs);
  if (leftMs > 0) await wait(leftMs);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
