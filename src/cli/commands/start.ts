// `start`: the server in production mode.
import type { CliCommand } from '../command.ts';
import { SERVE_OPTIONS, serveOptions, serveUntilStopped } from '../serve.ts';

export const start: CliCommand = {
  path: ['start'],
  summary: 'Run the server in production mode; it needs a master key',
  options: SERVE_OPTIONS,
  async run(context, input) {
    const options = await serveOptions(context, input, { production: true, open: false });
    return serveUntilStopped(context, options, async ({ url }) => {
      context.io.out(`Conductor ${context.host.version} is running at ${url}\n`);
    });
  },
};
