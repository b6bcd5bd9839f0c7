// Config and input as an operation's schema reads them, and the schemas that operations share. What is wrong becomes an
// AgentError that no retry mends. Must never repeat a value: it may be a secret.
import { z } from 'zod';
import type { JsonValue } from '../model/json.ts';
import { loose } from '../model/schema.ts';
import { AgentError } from './operation.ts';

const TIMEOUT_MS_MAX = 600_000;

/** Throws AgentError: `config.url: must be a string`. */
export function readConfig<T>(schema: z.ZodType<T>, config: JsonValue): T {
  return read(schema, config, 'config');
}

/** Input that is no object reads as `{}`: a step without input gets whatever the step before gave. */
export function readInput<T>(schema: z.ZodType<T>, input: JsonValue): T {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
  return read(schema, isObject ? input : {}, 'input');
}

export const timeoutMs = () => loose(z.number().int().min(1).max(TIMEOUT_MS_MAX));

export const headerRecord = () => loose(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])));

export const text = () => loose(z.string());

function read<T>(schema: z.ZodType<T>, value: JsonValue, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const mistakes = result.error.issues.slice(0, 3).map(({ path, message }) => {
    return `${[what, ...path.map(String)].join('.')}: ${message}`;
  });
  throw new AgentError(mistakes.join('; '), false);
}
