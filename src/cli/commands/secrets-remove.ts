// `secrets remove`: vendor calls are refused from the next request on.
import type { CliCommand } from '../command.ts';
import { withConnection } from '../connection.ts';
import { secretPath } from '../secret-client.ts';
import { TARGET_OPTIONS } from '../settings.ts';

export const secretsRemove: CliCommand = {
  path: ['secrets', 'remove'],
  summary: 'Remove the stored secret of a vendor',
  args: [['<vendor>', 'such as stripe']],
  options: TARGET_OPTIONS,
  async run(context, input) {
    const vendor = input.arg(0);
    const path = secretPath(vendor);
    await withConnection(context, input, (connection) => connection.call('DELETE', path));
    const { io, style } = context;
    if (input.flag('json')) io.out(`${JSON.stringify({ success: true, vendor })}\n`);
    else io.out(`${style.good('✓')} Secret of ${vendor} removed\n`);
    return 0;
  },
};
