// The listening socket and its connections. Owns timeouts and the graceful end; must never drop a request that is being
// answered while there is time left.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { hasCode } from './error-code.ts';
import type { NodeHandler } from './fast-routes.ts';
import { ConfigurationError } from './server-options.ts';

const TIMEOUTS = {
  /** Above the 60 s of common load balancers, so that they, not we, end an idle connection. */
  keepAliveTimeout: 65_000,
  headersTimeout: 20_000,
  /** For receiving a request, not for answering it. */
  requestTimeout: 60_000,
} as const;

/** How long a connection that has just become idle may hold up the end. */
const SWEEP_EVERY_MS = 10;

export interface Listener {
  readonly url: string;
  /** Requests that came before are answered now. */
  serve(handler: NodeHandler): void;
  /** Stops accepting. Resolves when every request is answered; after `graceMs` connections are cut. */
  close(graceMs: number): Promise<void>;
}

/**
 * Listens at once, but requests wait for `serve`: so the address is known, and taken, before anything else starts.
 * Throws ConfigurationError when the address cannot be bound.
 */
export async function listen(host: string, port: number): Promise<Listener> {
  let handler: NodeHandler | undefined;
  let closing: Promise<void> | undefined;
  const waiting: Parameters<NodeHandler>[] = [];
  const server = createServer(TIMEOUTS, (request, response) => {
    if (handler) handler(request, response);
    else waiting.push([request, response]);
  });
  await bind(server, host, port);
  return {
    url: urlOf(server, host),
    serve(made) {
      handler = made;
      for (const [request, response] of waiting.splice(0)) made(request, response);
    },
    close(graceMs) {
      closing ??= endServer(server, graceMs);
      for (const [, response] of waiting.splice(0)) response.destroy();
      return closing;
    },
  };
}

async function endServer(server: Server, graceMs: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  // Node closes idle connections once, at the start of the end; those that become idle later are ours to close.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearInterval(sweep);
  clearTimeout(cut);
}

async function bind(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) {
      throw new ConfigurationError(`Port ${port} on ${host} is taken. Choose another with --port, or 0 for any.`);
    }
    if (hasCode(error, 'EADDRNOTAVAIL') || hasCode(error, 'EACCES') || hasCode(error, 'ENOTFOUND')) {
      throw new ConfigurationError(`Cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : ''}`);
    }
    throw error;
  }
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  // A wildcard is where we listen, not where anybody can call.
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
