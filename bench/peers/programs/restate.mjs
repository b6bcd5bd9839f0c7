// The Restate service: a handler of three durable steps that do nothing. The server calls it over HTTP/2.
import { createServer } from 'node:http2';

// The SDK is written for Node 22; this is the one thing that it misses on Node 20.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
const restate = await import('@restatedev/restate-sdk');

const nothing = async () => undefined;
const three = restate.service({
  name: 'three',
  handlers: {
    run: async (ctx) => {
      await ctx.run('one', nothing);
      await ctx.run('two', nothing);
      await ctx.run('three', nothing);
      return 3;
    },
  },
});
createServer(restate.createEndpointHandler({ services: [three] })).listen(Number(process.env.BENCH_PORT), '127.0.0.1');
