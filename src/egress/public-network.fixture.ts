// A public network on one machine, for tests: names have the addresses that a test gives them, and every connection to
// an address that passed the checks ends at one local server, which sees the host that was asked for.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { buildConnector } from 'undici';
import type { OpenSocket, ResolveHost } from './connector.ts';
import { createEgress, type EgressOptions } from './create-egress.ts';
import type { Egress } from './egress.ts';

export const PUBLIC = '93.184.216.34';

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export interface LocalServer {
  readonly port: number;
  readonly origin: string;
  /** How many requests arrived. */
  hits(): number;
  close(): Promise<void>;
}

export async function serve(handler: Handler): Promise<LocalServer> {
  let hits = 0;
  const server: Server = createServer((request, response) => {
    hits += 1;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handler(request, response, Buffer.concat(chunks).toString('utf8')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { port: address.port, origin: `http://127.0.0.1:${address.port}`, hits: () => hits, close };
}

export interface PublicNetwork {
  readonly egress: Egress;
  /** Addresses to which a connection was opened. */
  readonly dialled: string[];
  readonly asked: string[];
}

/** `names` gives the addresses of a name; a name that it does not know is public. */
export function publicNetwork(
  port: number,
  names: Readonly<Record<string, ResolveHost>> = {},
  options: EgressOptions = {},
): PublicNetwork {
  const dialled: string[] = [];
  const asked: string[] = [];
  const openSocket: OpenSocket = ({ timeout, lookup }) => {
    const connect = buildConnector({ timeout });
    return (target, callback) => {
      const dial = (address: string) => {
        dialled.push(address);
        // Plain HTTP also for https: what is tried out is where a request goes, not how it is encrypted.
        connect(
          { ...target, protocol: 'http:', hostname: '127.0.0.1', host: '127.0.0.1', port: String(port) },
          callback,
        );
      };
      const host = target.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0) return dial(host);
      lookup(host, { all: true }, (error, found) => {
        const [first] = Array.isArray(found) ? found : [];
        if (error !== null || first === undefined) callback(error ?? new Error('no address'), null);
        else dial(first.address);
      });
    };
  };
  const resolve: ResolveHost = (host) => {
    asked.push(host);
    return (names[host] ?? (async () => [PUBLIC]))(host);
  };
  return { egress: createEgress({ resolve, openSocket, ...options }), dialled, asked };
}
