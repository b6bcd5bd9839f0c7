// A pool of kept-alive connections to one vendor. Owns the answer to "can the vendor have seen this request?".
// Must never follow a redirect, repeat a request, or call a request unsent when a byte of it may have left.
import { type buildConnector, Pool } from 'undici';
import { type Upstream, UpstreamError, type UpstreamRequest, type UpstreamResponse } from './egress.ts';
import { Exchange } from './exchange.ts';
import { codeOf } from './failure-text.ts';

export interface UpstreamOptions {
  readonly connector: buildConnector.connector;
  readonly connectionsMax: number;
}

/** Refused while undici still builds the request, before any socket is asked for. */
const REFUSED_CODES = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);

export function createUpstream(origin: string, options: UpstreamOptions): Upstream {
  /** Errors of connections that never came about: no request was written on them. */
  const connectErrors = new WeakSet<Error>();
  const pool = new Pool(origin, {
    connections: options.connectionsMax,
    connect: (target, callback) => {
      options.connector(target, (error, socket) => {
        if (error !== null) {
          connectErrors.add(error);
          callback(error, null);
        } else callback(null, socket);
      });
    },
  });

  function send(request: UpstreamRequest): Promise<UpstreamResponse> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown) =>
        reject(new UpstreamError(describe(error, origin, request.timeoutMs), !isUnsent(error, connectErrors)));
      pool.dispatch(
        {
          method: request.method,
          path: request.path,
          // undici takes the flat list as it is; its type wants a mutable array.
          headers: request.headers as string[],
          body: request.body,
          headersTimeout: request.timeoutMs,
          bodyTimeout: request.timeoutMs,
        },
        new Exchange(resolve, failed),
      );
    });
  }

  return { send, close: () => pool.close() };
}

function isUnsent(error: unknown, connectErrors: WeakSet<Error>): boolean {
  if (!(error instanceof Error)) return false;
  return connectErrors.has(error) || REFUSED_CODES.has(codeOf(error));
}

/** For logs and operators: names the origin, never a header or a body. */
function describe(error: unknown, origin: string, timeoutMs: number): string {
  const code = error instanceof Error ? codeOf(error) : '';
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return `no answer from ${origin} within ${timeoutMs} ms`;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection to ${origin} in time`;
  return `request to ${origin} failed${code === '' ? '' : ` (${code})`}`;
}
