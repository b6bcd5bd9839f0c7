// `keys revoke`: the key, and every token made with it, is refused from the next request on.
import type { CliCommand } from '../command.ts';
import { callKey, KEY_OPTIONS, readKey } from '../key-client.ts';

export const keysRevoke: CliCommand = {
  path: ['keys', 'revoke'],
  summary: 'Revoke an API key',
  args: [['<id>', 'key id, such as key_abc123']],
  options: KEY_OPTIONS,
  async run(context, input) {
    const key = readKey(await callKey(context, input, 'DELETE'));
    const { io, style } = context;
    if (input.flag('json')) io.out(`${JSON.stringify({ success: true, ...key })}\n`);
    else io.out(`${style.good('✓')} API Key revoked\nKey ID: ${key.keyId}\nName: ${key.name}\n`);
    return 0;
  },
};
