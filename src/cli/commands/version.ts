// `version`: the version of this package.
import type { CliCommand } from '../command.ts';
import { JSON_OPTION } from '../settings.ts';

export const version: CliCommand = {
  path: ['version'],
  summary: 'Print the version',
  options: [JSON_OPTION],
  async run({ io, host }, input) {
    io.out(input.flag('json') ? `${JSON.stringify({ version: host.version })}\n` : `${host.version}\n`);
    return 0;
  },
};
