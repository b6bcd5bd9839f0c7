// The server's log: one line of JSON per event, to stderr. Must never be handed a secret.
import { AppError } from '../model/error.ts';

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
  if (!(value instanceof Error)) return value;
  const { name, message, stack } = value;
  return { name, message, stack, cause: value instanceof AppError ? causeOf(value) : undefined };
}

/**
 * Why, in the words of who failed us: callers do not see them, and an operator has nothing else to go by. Only of errors
 * of ours, whose causes are meant for the log, and nothing but their words: other fields may hold values.
 */
function causeOf({ cause }: AppError): unknown {
  if (!(cause instanceof Error)) return undefined;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return { message: cause.message, code };
}
