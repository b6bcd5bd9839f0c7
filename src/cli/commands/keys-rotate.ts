// `keys rotate`: a new key with the same metadata; the old one ends at once, or after --overlap.
import type { JsonObject } from '../../model/json.ts';
import type { CliCommand } from '../command.ts';
import { callKey, KEY_OPTIONS, readGenerated } from '../key-client.ts';
import { keyCard } from '../ui/key-card.ts';

export const keysRotate: CliCommand = {
  path: ['keys', 'rotate'],
  summary: 'Replace an API key by a new one with the same name, permissions and length of life',
  args: [['<id>', 'key id, such as key_abc123']],
  options: [['--overlap <time>', 'let the old key go on working, such as 15min, 24h or 7d'], ...KEY_OPTIONS],
  async run(context, input) {
    const overlap = input.text('overlap');
    const body: JsonObject = overlap === undefined ? {} : { overlap };
    const key = readGenerated(await callKey(context, input, 'POST', '/rotate', body));
    const { io, style } = context;
    if (input.flag('json')) {
      io.out(`${JSON.stringify({ success: true, ...key })}\n`);
      return 0;
    }
    io.out(keyCard('API Key rotated', key, style));
    io.out(`Old key: ${input.arg(0)} ${overlap === undefined ? 'is revoked' : `works for another ${overlap}`}\n`);
    return 0;
  },
};
