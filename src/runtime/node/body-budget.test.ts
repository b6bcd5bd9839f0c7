import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BodyBudget } from './body-budget.ts';
import { NodeRequest, splitTarget } from './node-request.ts';

const KB = 1024;
let server: Server;
let origin: string;
/** Bodies that have been read and whose replies have not left. */
let present: { bytes: number; reply: () => void }[];
let arrived: () => void;

beforeEach(async () => {
  const budget = new BodyBudget(1000 * KB);
  present = [];
  server = createServer((request, response) => {
    const target = splitTarget(request.url ?? '/');
    const raw = new NodeRequest(request, response, target, () => 'id', 5000 * KB, budget);
    raw.bytes().then(
      ({ length }) => {
        const one = {
          bytes: length,
          reply: () => {
            present = present.filter((other) => other !== one);
            response.end(String(length));
          },
        };
        present.push(one);
        arrived();
      },
      () => undefined,
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const send = (bytes: number) =>
  fetch(origin, { method: 'POST', body: 'x'.repeat(bytes) }).then((reply) => reply.text());
/** Of the bodies that count, those that should not be here together. */
const tooMany = () => {
  const large = present.map(({ bytes }) => bytes).filter((bytes) => bytes > 256 * KB);
  const sum = large.reduce((total, bytes) => total + bytes, 0);
  return large.length > 1 && sum > 1000 * KB ? [large] : [];
};
const arrival = () =>
  new Promise<void>((resolve) => {
    arrived = resolve;
  });

test('large bodies take turns, small ones pass by, and all are answered', async () => {
  const excesses: number[][] = [];
  arrived = () => {
    excesses.push(...tooMany());
    // Others have the time to come in beside it before it leaves.
    setImmediate(() => setImmediate(() => present[0]?.reply()));
  };
  const sizes = [600, 600, 300, 5000, 600, 400, 10, 600].map((size) => size * KB);
  const replies = await Promise.all(sizes.map(send));
  expect(replies.map(Number)).toEqual(sizes);
  expect(excesses).toEqual([]);
});

test('who gives up while waiting, or after, holds up nobody', async () => {
  const coming = arrival();
  const first = send(900 * KB);
  await coming;
  const impatient = httpRequest(origin, { method: 'POST', headers: { 'content-length': 900 * KB } });
  impatient.on('error', () => undefined);
  impatient.flushHeaders();
  await once(server, 'request');
  const next = arrival();
  const last = send(800 * KB);
  impatient.destroy();
  present[0]?.reply();
  await next;
  present[0]?.reply();
  expect(await Promise.all([first, last])).toEqual([String(900 * KB), String(800 * KB)]);
});
