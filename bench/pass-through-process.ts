// What the vault is measured against: a bare undici proxy that swaps the key and does nothing else, or makes one durable
// insert before it forwards, as little as a reservation can be.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Pool } from 'undici';
import { createSqliteStore } from '../src/store/sqlite/store.ts';
import { emptyBatch } from '../src/store/write-batch.ts';

const pool = new Pool(process.env.BENCH_UPSTREAM ?? '', { connections: 64, pipelining: 1 });

const { BENCH_DATA = '', BENCH_INSERTS } = process.env;
const store = BENCH_INSERTS ? await createSqliteStore({ path: join(BENCH_DATA, 'inserts.db') }) : null;

async function insert(): Promise<void> {
  const round = await store?.round();
  await round?.commit({ ...emptyBatch(), logs: [{ taskId: 'bench', log: 'reserved', createdMs: Date.now() }] });
}

const server = createServer((request, reply) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => void forward(Buffer.concat(chunks)));

  async function forward(body: Buffer): Promise<void> {
    if (store) await insert();
    const answer = await pool.request({
      method: 'POST',
      path: request.url ?? '/',
      headers: {
        authorization: 'Bearer sk_test_bench',
        'content-type': request.headers['content-type'] ?? '',
        'idempotency-key': request.headers['idempotency-key'] ?? '',
      },
      body,
    });
    const { 'content-type': contentType, 'request-id': requestId } = answer.headers;
    const text = Buffer.from(await answer.body.arrayBuffer());
    const headers = { 'content-type': String(contentType), 'request-id': String(requestId) };
    reply.writeHead(answer.statusCode, { ...headers, 'content-length': text.length }).end(text);
  }
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
process.on('message', (question) => question === 'stop' && process.exit(0));
process.once('disconnect', () => process.exit(0));
