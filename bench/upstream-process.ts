// The vendor of the benches, over bare sockets for the reason of ./thin-client.ts: one fixed answer to every POST, and to
// a GET how many there were. Knows no more of HTTP than the requests of proxies: a length, and no chunks.
import { createServer, type Socket } from 'node:net';

const INTENT = {
  id: 'pi_bench',
  object: 'payment_intent',
  amount: 50,
  amount_received: 50,
  currency: 'usd',
  status: 'succeeded',
};
const HEAD_END = '\r\n\r\n';
const answer = replyWith(process.env.BENCH_ANSWER || JSON.stringify(INTENT));
let posts = 0;

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
process.on('message', (question) => question === 'stop' && process.exit(0));
process.once('disconnect', () => process.exit(0));

function serve(socket: Socket): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    received = received.length > 0 ? Buffer.concat([received, chunk]) : chunk;
    for (let end = endOfRequest(received); end !== null; end = endOfRequest(received)) {
      const counts = received.toString('latin1', 0, 4) === 'GET ';
      if (!counts) posts += 1;
      socket.write(counts ? replyWith(JSON.stringify({ calls: posts })) : answer);
      received = received.subarray(end);
    }
  });
}

/** Null while the request is not whole. Throws, and so ends the bench, on one without a length that is no GET. */
function endOfRequest(bytes: Buffer): number | null {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const head = bytes.toString('latin1', 0, headEnd);
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (length === undefined && !head.startsWith('GET ')) throw new Error(`a request without a length: ${head}`);
  const end = headEnd + HEAD_END.length + Number(length ?? 0);
  return bytes.length < end ? null : end;
}

function replyWith(body: string): Buffer {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_bench';
  return Buffer.from(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}${HEAD_END}${body}`);
}
