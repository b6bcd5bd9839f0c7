// What HTTP tasks call: adds one, after a while, and counts who called.
import { once } from 'node:events';
import { createServer } from 'node:http';

export interface EchoServer {
  readonly origin: string;
  /** Run id -> calls. */
  readonly calls: ReadonlyMap<string, number>;
  close(): void;
}

/** Long enough that a replica is often ended in the middle of a call. */
const DELAY_MS = 150;

export async function startEchoServer(): Promise<EchoServer> {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://echo');
    const run = searchParams.get('run') ?? '';
    calls.set(run, (calls.get(run) ?? 0) + 1);
    const body = JSON.stringify({ value: Number(searchParams.get('value')) + 1 });
    setTimeout(() => response.setHeader('content-type', 'application/json').end(body), DELAY_MS);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The echo server has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    calls,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
