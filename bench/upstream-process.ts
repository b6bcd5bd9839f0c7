// The vendor of the vault bench, as small as an HTTP server can be: one fixed answer to everything.
import { createServer } from 'node:http';

const INTENT = JSON.stringify({
  id: 'pi_bench',
  object: 'payment_intent',
  amount: 50,
  amount_received: 50,
  currency: 'usd',
  status: 'succeeded',
});
const HEADERS = { 'content-type': 'application/json', 'content-length': INTENT.length, 'request-id': 'req_bench' };

const server = createServer((request, reply) => {
  request.resume();
  request.on('end', () => reply.writeHead(200, HEADERS).end(INTENT));
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
process.on('message', (question) => question === 'stop' && process.exit(0));
process.once('disconnect', () => process.exit(0));
