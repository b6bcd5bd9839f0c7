// What `start` and `dev` share: read the settings, serve, wait for the signal, end well.
import { type Context, type Input, splitList } from './command.ts';
import { DATABASE_OPTIONS, databaseOf, RETENTION_OPTIONS, retentionOf } from './database.ts';
import type { ServeOptions, Serving } from './host.ts';
import { DATA_DIR_OPTION, dataDirOf, MASTER_KEY_OPTION, masterKeyOf, portOf } from './settings.ts';

export const SERVE_OPTIONS = [
  ['--host <address>', 'address to listen on (CONDUCTOR_HOST; 127.0.0.1)'],
  ['--port <number>', 'port to listen on, 0 for any (CONDUCTOR_PORT; 8080)'],
  ['--public-url <url>', 'how callers reach this server, when not at that address (CONDUCTOR_PUBLIC_URL)'],
  ['--allow-origin <list>', 'private origins that HTTP tasks may call, comma-separated (CONDUCTOR_ALLOW_ORIGINS)'],
  ['--stripe-upstream <url>', 'where Stripe calls go (CONDUCTOR_STRIPE_UPSTREAM; https://api.stripe.com)'],
  DATA_DIR_OPTION,
  MASTER_KEY_OPTION,
  ...DATABASE_OPTIONS,
  ...RETENTION_OPTIONS,
] as const;

export function serveOptions(
  context: Context,
  input: Input,
  mode: { production: boolean; open: boolean },
): ServeOptions {
  const { env, err } = context.io;
  return {
    ...mode,
    ...retentionOf(context, input),
    dataDir: dataDirOf(context, input),
    host: input.text('host') ?? env.CONDUCTOR_HOST,
    port: portOf(context, input),
    publicUrl: input.text('publicUrl') ?? env.CONDUCTOR_PUBLIC_URL,
    masterKey: masterKeyOf(context, input),
    database: databaseOf(context, input),
    stripeUpstream: input.text('stripeUpstream') ?? env.CONDUCTOR_STRIPE_UPSTREAM,
    // Never a flag: other users of the machine can read a process's arguments.
    stripeSecret: env.CONDUCTOR_STRIPE_SECRET,
    allowOrigins: splitList(input.text('allowOrigin') ?? env.CONDUCTOR_ALLOW_ORIGINS),
    writeLog: err,
  };
}

/** Serves until the process is asked to stop. `greet` runs when requests are being answered. */
export async function serveUntilStopped(
  context: Context,
  options: ServeOptions,
  greet: (serving: Serving) => Promise<void>,
): Promise<number> {
  const serving = await context.host.serve(options);
  try {
    await greet(serving);
    await context.io.untilStopped();
  } finally {
    await serving.close();
  }
  return 0;
}
