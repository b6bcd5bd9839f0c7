// `dev`: the server for one developer on one machine. Prints how to sign in, and a first key once.
import type { CliCommand, Context } from '../command.ts';
import type { Serving } from '../host.ts';
import { KEYS_PATH, readGenerated, readKeys } from '../key-client.ts';
import { SERVE_OPTIONS, serveOptions, serveUntilStopped } from '../serve.ts';

export const dev: CliCommand = {
  path: ['dev'],
  summary: 'Run the server for development, on this machine alone',
  options: [['--open', 'switch authentication off (loopback only)'], ...SERVE_OPTIONS],
  run(context, input) {
    const open = input.flag('open');
    const options = serveOptions(context, input, { production: false, open });
    return serveUntilStopped(context, options, async (serving) => {
      context.io.out(`${context.style.good('✓')} Conductor is running at ${context.style.bold(serving.url)}\n`);
      if (open) warnOpen(context);
      else await explainSignIn(context, serving, options.dataDir);
      context.io.out('Stop it with Ctrl-C.\n');
    });
  },
};

function warnOpen({ io, style }: Context): void {
  io.err(`${style.bad('⚠️  AUTHENTICATION IS OFF (--open): every program on this machine may do everything.')}\n`);
}

async function explainSignIn({ io, style }: Context, { connection, url }: Serving, dataDir: string): Promise<void> {
  const keys = readKeys(await connection.call('GET', KEYS_PATH));
  if (keys.length > 0) {
    io.out('Sign in with an API key (X-API-Key). Lost it? Make another: conductor keys generate\n');
    return;
  }
  const body = { name: 'dev', permissions: ['*'], expires: 'never' };
  const { key, keyId } = readGenerated(await connection.call('POST', KEYS_PATH, body));
  io.out(
    [
      `Data: ${dataDir}`,
      `Key ID: ${keyId}`,
      `Key: ${key}`,
      style.warn("⚠️ Save this key now - it won't be shown again!"),
      `Try it: curl -H "X-API-Key: <the key>" ${url}/api/metadata/workflow`,
      `Conductor SDKs: CONDUCTOR_SERVER_URL=${url}/api CONDUCTOR_AUTH_KEY=${keyId} CONDUCTOR_AUTH_SECRET=<the key>`,
      '',
    ].join('\n'),
  );
}
