// The `echo` agent: gives back what it got. Output `{echo, receivedAt, inputType}`; `echo` is input `data` where there is
// one, else the whole input.
import { z } from 'zod';
import { isJsonObject, type JsonValue } from '../../model/json.ts';
import type { Operation } from '../operation.ts';

export const echo: Operation = {
  name: 'echo',
  config: z.strictObject({}),
  run: ({ clock, input }) => {
    const value = isJsonObject(input) && Object.hasOwn(input, 'data') ? (input.data ?? null) : input;
    return { echo: value, receivedAt: clock.now(), inputType: typeOf(value) };
  },
};

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
