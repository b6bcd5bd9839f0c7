// `keys info`: one key's metadata.
import type { CliCommand } from '../command.ts';
import { callKey, KEY_OPTIONS, type Key, readKey } from '../key-client.ts';
import { dateOrNever, instant } from '../ui/date.ts';

export const keysInfo: CliCommand = {
  path: ['keys', 'info'],
  summary: 'Show an API key',
  args: [['<id>', 'key id, such as key_abc123']],
  options: KEY_OPTIONS,
  async run(context, input) {
    const key = readKey(await callKey(context, input, 'GET'));
    context.io.out(input.flag('json') ? `${JSON.stringify(key)}\n` : describe(key));
    return 0;
  },
};

function describe(key: Key): string {
  return [
    `Key ID: ${key.keyId}`,
    `Name: ${key.name}`,
    `Status: ${key.status}`,
    ...(key.userId ? [`User: ${key.userId}`] : []),
    `Permissions: ${key.permissions.join(', ')}`,
    `Created: ${instant(key.createdAt)}`,
    `Expires: ${dateOrNever(key.expiresAt)}`,
    ...(key.revokedAt === null ? [] : [`Revoked: ${instant(key.revokedAt)}`]),
    ...(key.rotatedFrom === null ? [] : [`Rotated from: ${key.rotatedFrom}`]),
    '',
  ].join('\n');
}
