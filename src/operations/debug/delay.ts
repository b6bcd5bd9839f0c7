// The `delay` agent: waits `ms` (at most 10,000; config or input), then gives input `passthrough` back. Output
// `{delayed, passthrough, actualDelayMs}`. Ends at once when the execution does.
import { z } from 'zod';
import { jsonValue, loose } from '../../model/schema.ts';
import { AgentError, type Operation } from '../operation.ts';
import { readConfig, readInput } from '../read-values.ts';
import { wait } from '../wait.ts';

const ms = () => loose(z.number().int().min(0).max(10_000));
const Config = z.strictObject({ ms: ms() });
const Input = z.object({ ms: ms(), passthrough: jsonValue().optional() });

export const delay: Operation = {
  name: 'delay',
  config: Config,
  run: async (context) => {
    const input = readInput(Input, context.input);
    const waitMs = readConfig(Config, context.config).ms ?? input.ms;
    if (waitMs === undefined) throw new AgentError('"ms" is missing: give it in the config or the input.', false);
    const startedMs = context.clock.now();
    await wait(waitMs, context.signal);
    return { delayed: true, passthrough: input.passthrough ?? null, actualDelayMs: context.clock.now() - startedMs };
  },
};
