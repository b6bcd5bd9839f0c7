// The server's log: one line of JSON per event, to stderr. Must never be handed a secret.

export interface ServerLog {
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
  error(message: string, details?: Readonly<Record<string, unknown>>): void;
}

export const silentLog: ServerLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

export function jsonLog(write: (line: string) => void): ServerLog {
  const at =
    (level: string) =>
    (message: string, details: Readonly<Record<string, unknown>> = {}) =>
      write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...details }, plain)}\n`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** Errors have no enumerable fields, so JSON would show `{}`. */
function plain(_name: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
}
