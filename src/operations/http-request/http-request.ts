// The `http` operation: one request of an agent. Config `url, method, headers, body, timeout (ms), retries`; without a
// `url` there, input gives `url` and `query`. Output `{status, headers, data}`.
// Throws AgentError for a status outside of 2xx: worth a retry for 429 and 5xx only; and for an address that is refused.
import { z } from 'zod';
import { shortenText } from '../../model/cut-text.ts';
import { jsonValue, loose } from '../../model/schema.ts';
import { AgentError, type Operation } from '../operation.ts';
import { bodyOf, CallInput, Method, outboundCall } from '../outbound/call.ts';
import { isWorthRetrying, send } from '../outbound/send.ts';
import { headerRecord, readConfig, readInput, text, timeoutMs } from '../read-values.ts';

const Config = z.strictObject({
  url: text(),
  method: loose(Method),
  headers: headerRecord(),
  body: jsonValue().optional(),
  timeout: timeoutMs(),
  retries: loose(z.number().int().min(0).max(10)),
});

const SHOWN_BODY_LENGTH_MAX = 500;

export const httpRequest: Operation = {
  name: 'http',
  config: Config,
  run: async (context) => {
    const config = readConfig(Config, context.config);
    const call = outboundCall(config, readInput(CallInput, context.input));
    const { timeout = 30_000, retries = 0 } = config;
    const answer = await send(context, call, { retries, retryDelayMs: 500, timeoutMs: timeout });
    const { status, headers } = answer;
    if (status < 200 || status > 299) throw refusal(status, answer.statusText, answer.text);
    return { status, headers, data: bodyOf(headers['content-type'], answer.text) };
  },
};

function refusal(status: number, statusText: string, body: string): AgentError {
  const shown = shortenText(body, SHOWN_BODY_LENGTH_MAX);
  const message = `HTTP ${status} ${statusText}`.trim() + (shown === '' ? '' : `: ${shown}`);
  return new AgentError(message, isWorthRetrying(status));
}
