// `dev`: the server for one developer on one machine. Prints how to sign in, a first key once, and what is wrong with the
// project whenever its files change.
import { join } from 'node:path';
import type { CliCommand, Context } from '../command.ts';
import type { Serving } from '../host.ts';
import { KEYS_PATH, readGenerated, readKeys } from '../key-client.ts';
import { SERVE_OPTIONS, serveOptions, serveUntilStopped } from '../serve.ts';
import { hasErrors, problemCount, problemText } from '../ui/problems.ts';

const ANOTHER_KEY = "conductor keys generate --name dev --permissions '*'";

export const dev: CliCommand = {
  path: ['dev'],
  summary: 'Run the server for development, on this machine alone',
  options: [['--open', 'switch authentication off (loopback only)'], ...SERVE_OPTIONS],
  async run(context, input) {
    const open = input.flag('open');
    const options = await serveOptions(context, input, { production: false, open });
    let watch: { close(): void } | undefined;
    const greet = async (serving: Serving): Promise<void> => {
      const { io, style } = context;
      for (const problem of serving.problems) io.err(problemText(problem, style));
      io.out(`${style.good('✓')} Conductor is running at ${style.bold(serving.url)}\n`);
      if (options.project) watch = watchProject(context, serving, options.project.directory, options.dataDir);
      if (open) warnOpen(context);
      else await explainSignIn(context, serving, options.dataDir);
      io.out('Stop it with Ctrl-C.\n');
    };
    try {
      return await serveUntilStopped(context, options, greet);
    } finally {
      watch?.close();
    }
  },
};

/** One reload at a time; changes that come during one are taken up by the next. */
function watchProject(context: Context, serving: Serving, directory: string, dataDir: string): { close(): void } {
  const { host, io, style } = context;
  io.out(`Project: ${directory} (reloads when its files change; its configuration at the next start)\n`);
  let last = Promise.resolve();
  return host.watch(directory, [dataDir], () => {
    last = last.then(async () => {
      try {
        const problems = await serving.reload();
        for (const problem of problems) io.err(problemText(problem, style));
        if (hasErrors(problems)) io.err(`${problemCount(problems)}: the project from before is still in use\n`);
        else io.out(`${style.good('✓')} Project reloaded\n`);
      } catch (error) {
        io.err(`${style.bad('error:')} ${error instanceof Error ? error.message : error}\n`);
      }
    });
  });
}

function warnOpen({ io, style }: Context): void {
  io.err(`${style.bad('⚠️  AUTHENTICATION IS OFF (--open): every program on this machine may do everything.')}\n`);
}

async function explainSignIn({ io, style }: Context, { connection, url }: Serving, dataDir: string): Promise<void> {
  const keys = readKeys(await connection.call('GET', KEYS_PATH));
  if (keys.length > 0) {
    io.out(`Sign in with an API key (X-API-Key). Lost it? Make another: ${ANOTHER_KEY}\n`);
    io.out(`The operator's own key, which may do everything, lies in ${join(dataDir, 'local.key')}\n`);
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
