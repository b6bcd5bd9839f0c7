// What an ensemble over HTTP is measured against: one JSON route of Hono on the same server, and nothing else.

import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';

const app = new Hono();
app.post('/hello', async (context) => {
  const { name } = await context.req.json<{ name: string }>();
  return context.json({ hello: name });
});

const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
process.on('message', (question) => question === 'stop' && process.exit(0));
process.once('disconnect', () => process.exit(0));
