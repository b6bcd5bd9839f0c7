// What `start`, `dev` and `exec` share: read the settings, serve, wait for the signal, end well.
import type { Context, Input } from './command.ts';
import { DATABASE_OPTIONS, databaseOf, RETENTION_OPTIONS, retentionOf } from './database.ts';
import type { ServeOptions, Serving } from './host.ts';
import { configOf, projectDirOf } from './project.ts';
import { DATA_DIR_OPTION, dataDirOf, MASTER_KEY_OPTION, masterKeyOf, PROJECT_OPTION } from './settings.ts';

/** Flags that the configuration knows too. */
export const CONFIG_OPTIONS = [
  ['--host <address>', 'address to listen on (CONDUCTOR_HOST; 127.0.0.1)'],
  ['--port <number>', 'port to listen on, 0 for any (CONDUCTOR_PORT; 8080)'],
  ['--public-url <url>', 'how callers reach this server, when not at that address (CONDUCTOR_PUBLIC_URL)'],
  [
    '--allow-origin <list>',
    'private origins that agents and HTTP tasks may reach, comma-separated (CONDUCTOR_ALLOW_ORIGINS)',
  ],
] as const;

export const SERVE_OPTIONS = [
  ...CONFIG_OPTIONS,
  ['--stripe-upstream <url>', 'where Stripe calls go (CONDUCTOR_STRIPE_UPSTREAM; https://api.stripe.com)'],
  PROJECT_OPTION,
  DATA_DIR_OPTION,
  MASTER_KEY_OPTION,
  ...DATABASE_OPTIONS,
  ...RETENTION_OPTIONS,
] as const;

/** Throws ConfigError, and CliError when a named project is none. */
export async function serveOptions(
  context: Context,
  input: Input,
  mode: { production: boolean; open: boolean },
): Promise<ServeOptions> {
  const { env, err } = context.io;
  const directory = projectDirOf(context, input);
  const config = await configOf(context, input, directory);
  const { egress, server } = config.settings;
  return {
    ...mode,
    ...retentionOf(context, input),
    ...(directory === undefined ? {} : { project: { directory } }),
    config,
    dataDir: dataDirOf(context, input),
    host: server.host,
    port: server.port,
    publicUrl: server.publicUrl ?? undefined,
    masterKey: masterKeyOf(context, input),
    database: databaseOf(context, input),
    stripeUpstream: input.text('stripeUpstream') ?? env.CONDUCTOR_STRIPE_UPSTREAM,
    // Never a flag: other users of the machine can read a process's arguments.
    stripeSecret: env.CONDUCTOR_STRIPE_SECRET,
    allowOrigins: egress.allowOrigins,
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
