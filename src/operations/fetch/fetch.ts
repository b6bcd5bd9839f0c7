// The `fetch` agent: gets whatever stands at a URL. Config `method, headers, retry, timeout (ms), retryDelay (ms), url`;
// input `url, query, body`. Output `{success, status, statusText, headers, body, duration, attempt}`: an unwelcome status
// is an answer with `success: false`. Throws AgentError when there is no answer, or the address is refused.
import { z } from 'zod';
import { jsonValue, loose } from '../../model/schema.ts';
import type { Operation } from '../operation.ts';
import { bodyOf, CallInput, Method, outboundCall } from '../outbound/call.ts';
import { send } from '../outbound/send.ts';
import { headerRecord, readConfig, readInput, text, timeoutMs } from '../read-values.ts';

const Config = z.strictObject({
  url: text(),
  method: loose(Method),
  headers: headerRecord(),
  body: jsonValue().optional(),
  retry: loose(z.number().int().min(0).max(10)),
  timeout: timeoutMs(),
  retryDelay: loose(z.number().int().min(0).max(30_000)),
});

const RETRIES = 3;
/** To do these twice is to do another thing: they are sent again only where `retry` says so. */
const UNSAFE_TO_REPEAT = new Set(['POST', 'PATCH']);

export const fetchAgent: Operation = {
  name: 'fetch',
  config: Config,
  run: async (context) => {
    const config = readConfig(Config, context.config);
    const call = outboundCall(config, readInput(CallInput, context.input));
    const { timeout = 30_000, retryDelay = 1_000 } = config;
    const retries = config.retry ?? (UNSAFE_TO_REPEAT.has(call.method) ? 0 : RETRIES);
    const startedMs = context.clock.now();
    const answer = await send(context, call, { retries, retryDelayMs: retryDelay, timeoutMs: timeout });
    const { status, statusText, headers, attempt } = answer;
    return {
      success: status >= 200 && status <= 299,
      status,
      statusText,
      headers,
      body: bodyOf(headers['content-type'], answer.text),
      duration: context.clock.now() - startedMs,
      attempt,
    };
  },
};
