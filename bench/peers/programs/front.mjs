// What the bench calls in a peer that has no HTTP door of its own: one POST is one run, answered when the run is over.
import { createServer } from 'node:http';

export function serve(run, counts) {
  const server = createServer((request, reply) => {
    request.resume();
    reply.setHeader('content-type', 'application/json');
    request.on('end', () => {
      if (request.method === 'GET') return void reply.end(JSON.stringify(counts()));
      run().then(
        (answer) => reply.end(JSON.stringify(answer)),
        (error) => reply.writeHead(500).end(String(error)),
      );
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(process.env.BENCH_PORT), '127.0.0.1');
}
