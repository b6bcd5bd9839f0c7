// `secrets set`: puts a vendor's real key into the vault. Read from standard input or a named environment variable, never
// from the command line, which other users of the machine can read.
import type { CliCommand, Context, Input } from '../command.ts';
import { withConnection } from '../connection.ts';
import { CliError } from '../host.ts';
import { readSecret, secretPath } from '../secret-client.ts';
import { TARGET_OPTIONS } from '../settings.ts';

export const secretsSet: CliCommand = {
  path: ['secrets', 'set'],
  summary: 'Store the secret of a vendor; it is read from standard input',
  args: [['<vendor>', 'such as stripe']],
  options: [
    ['--from-env <variable>', 'read the secret from this environment variable instead'],
    ['--name <name>', 'a name to tell it by (default)'],
    ...TARGET_OPTIONS,
  ],
  async run(context, input) {
    const path = secretPath(input.arg(0));
    const secret = await secretText(context, input);
    const name = input.text('name') ?? 'default';
    const stored = await withConnection(context, input, (connection) => connection.call('PUT', path, { secret, name }));
    const view = readSecret(stored);
    const { io, style } = context;
    if (input.flag('json')) io.out(`${JSON.stringify({ success: true, ...view })}\n`);
    else io.out(`${style.good('✓')} Secret of ${view.vendor} stored\n`);
    return 0;
  },
};

async function secretText({ io }: Context, input: Input): Promise<string> {
  const variable = input.text('fromEnv');
  const text = variable === undefined ? await io.readSecret(`Secret of ${input.arg(0)}: `) : (io.env[variable] ?? '');
  const secret = text.trim();
  if (secret !== '') return secret;
  throw new CliError(
    variable === undefined
      ? 'No secret came on standard input. Pipe it in, or use --from-env.'
      : `The environment variable ${variable} is not set.`,
  );
}
