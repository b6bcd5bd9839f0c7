// The `scrape` agent: a web page as `markdown` (default), `text` or `html`. Config `returnFormat, strategy, userAgent,
// timeout (ms), url`; input `url`. There is no browser behind it: pages that are drawn by scripts come as they were sent.
// `fast` asks once; `balanced` (default) and `aggressive` try again, with the headers of a browser. `blockResources` is
// accepted and needs nothing: nothing but the page is ever loaded.
// Output `{success: true, url, status, title, content, format, …}`; `{success: false, reason: 'blocked'}` for a wall
// against robots, `'http_error'` for another status. Throws AgentError without an answer, or for a refused address.
import { z } from 'zod';
import type { JsonObject } from '../../model/json.ts';
import { loose } from '../../model/schema.ts';
import type { Operation } from '../operation.ts';
import { CallInput, outboundCall } from '../outbound/call.ts';
import { type Answer, send } from '../outbound/send.ts';
import { readConfig, readInput, text, timeoutMs } from '../read-values.ts';
import { botChallenge } from './bot-challenge.ts';
import { markdownOf, textOf, titleOf } from './page-text.ts';

const Strategy = z.enum(['fast', 'balanced', 'aggressive']);
const Format = z.enum(['html', 'markdown', 'text']);

const Config = z.strictObject({
  url: text(),
  strategy: loose(Strategy),
  returnFormat: loose(Format),
  blockResources: loose(z.boolean()),
  userAgent: text(),
  timeout: timeoutMs(),
});

const RETRIES = { fast: 0, balanced: 1, aggressive: 3 };
const HONEST_AGENT = 'Mozilla/5.0 (compatible; Conductor)';
const BROWSER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

export const scrape: Operation = {
  name: 'scrape',
  config: Config,
  run: async (context) => {
    const config = readConfig(Config, context.config);
    const { returnFormat = 'markdown', strategy = 'balanced', timeout = 30_000 } = config;
    const input = readInput(CallInput, context.input);
    const headers = headersFor(strategy, config.userAgent);
    const call = outboundCall({ url: config.url, headers }, { url: input.url, query: undefined });
    const startedMs = context.clock.now();
    const persistence = { retries: RETRIES[strategy], retryDelayMs: 500, timeoutMs: timeout };
    const answer = await send(context, call, persistence);
    const common = {
      url: answer.url,
      status: answer.status,
      strategy,
      // What did the work: a plain request, whatever the strategy is called.
      tier: 'fetch',
      attempt: answer.attempt,
      duration: context.clock.now() - startedMs,
    };
    const wall = botChallenge(answer);
    if (wall !== null) return { success: false, reason: 'blocked', provider: wall, ...common };
    if (answer.status < 200 || answer.status > 299) return { success: false, reason: 'http_error', ...common };
    return { success: true, ...common, ...content(answer, returnFormat) };
  },
};

function content(answer: Answer, format: z.infer<typeof Format>): JsonObject {
  const contentType = answer.headers['content-type'] ?? null;
  const isHtml = contentType === null || /html|xml/i.test(contentType);
  const title = isHtml ? titleOf(answer.text) : null;
  // Anything but a page is given as it is: there is nothing to take out of it.
  if (!isHtml || format === 'html')
    return { title, content: answer.text, contentType, format: isHtml ? 'html' : 'text' };
  const made = format === 'text' ? textOf(answer.text) : markdownOf(answer.text, answer.url);
  return { title, content: made, contentType, format };
}

function headersFor(strategy: z.infer<typeof Strategy>, userAgent: string | undefined): Record<string, string> {
  const plain = { 'user-agent': userAgent ?? HONEST_AGENT, accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  if (strategy === 'fast') return plain;
  return { ...plain, 'user-agent': userAgent ?? BROWSER_AGENT, 'accept-language': 'en-US,en;q=0.9' };
}
