// Named middleware that http triggers may list. Must never hold state of a request: one middleware serves all of them.
import type { HttpLog } from '../../http/dispatch.ts';
import type { Around } from '../../http/route.ts';
import { didYouMean } from '../../model/did-you-mean.ts';
import { compress, etag, logger, prettyJson, secureHeaders, timing } from './built-in.ts';

/** Goes around a trigger, its refusals included: `(call, next) => Promise<Reply>`. */
export type TriggerMiddleware = Around;

export class MiddlewareRegistry {
  readonly #known = new Map<string, TriggerMiddleware>();

  constructor(
    log?: Pick<HttpLog, 'error'> & { info?(message: string, details: Readonly<Record<string, unknown>>): void },
  ) {
    this.register(
      'logger',
      logger((message, details) => log?.info?.(message, details)),
    );
    this.register('timing', timing);
    this.register('secure-headers', secureHeaders);
    this.register('pretty-json', prettyJson);
    this.register('etag', etag);
    this.register('compress', compress);
  }

  /** A name that is known already is replaced from the next mount on. */
  register(name: string, middleware: TriggerMiddleware): void {
    this.#known.set(name, middleware);
  }

  /** Throws Error for a name that nobody registered. */
  get(name: string): TriggerMiddleware {
    const found = this.#known.get(name);
    if (found) return found;
    const names = [...this.#known.keys()];
    const near = didYouMean(name, names);
    throw new Error(
      `There is no middleware "${name}".${near ? ` Did you mean "${near}"?` : ` Known: ${names.join(', ')}`}`,
    );
  }
}
