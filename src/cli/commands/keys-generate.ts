// `keys generate`: a new API key, printed once.
import type { CliCommand } from '../command.ts';
import { UsageError } from '../host.ts';
import { callKeys, KEY_OPTIONS, KEYS_PATH, readGenerated } from '../key-client.ts';
import { keyCard } from '../ui/key-card.ts';

export const keysGenerate: CliCommand = {
  path: ['keys', 'generate'],
  summary: 'Generate an API key',
  options: [
    ['--name <name>', 'what the key is for'],
    ['--permissions <list>', 'comma-separated, such as "workflow:billing-*:execute,task:*:poll"; "*" is full access'],
    ['--expires <when>', 'such as 90d, 1y, an ISO date, or never (90d)'],
    ['--user-id <id>', "whose requests the key's are: agents see it, rate limits by user count by it"],
    ...KEY_OPTIONS,
  ],
  async run(context, input) {
    const name = input.required('name', 'Name the key: --name "my-service".');
    const permissions = input.list('permissions');
    if (permissions.length === 0) {
      throw new UsageError('Say what the key may do: --permissions "workflow:*:execute", or "*" for full access.');
    }
    const expires = input.text('expires');
    const userId = input.text('userId');
    const generated = await callKeys(context, input, 'POST', KEYS_PATH, {
      name,
      permissions,
      ...(expires === undefined ? {} : { expires }),
      ...(userId === undefined ? {} : { userId }),
    });
    const key = readGenerated(generated);
    const { io, style } = context;
    io.out(
      input.flag('json') ? `${JSON.stringify({ success: true, ...key })}\n` : keyCard('API Key generated', key, style),
    );
    return 0;
  },
};
