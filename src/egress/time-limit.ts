// The clock of one request: it ends when the time is over or the caller gives up, whichever comes first.
// Must let go of the caller's signal when it is stopped: that one may live for as long as the process.

export interface TimeLimit {
  readonly signal: AbortSignal;
  stop(): void;
}

export function startTimeLimit(timeoutMs: number, timedOut: string, caller: AbortSignal | null): TimeLimit {
  const controller = new AbortController();
  const cancel = () => controller.abort(caller?.reason);
  const timer = setTimeout(() => controller.abort(new TypeError(timedOut)), timeoutMs);
  caller?.addEventListener('abort', cancel, { once: true });
  if (caller?.aborted) cancel();
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', cancel);
    },
  };
}

/** Rejects with the signal's reason; for work that does not hear the signal itself. */
export function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
