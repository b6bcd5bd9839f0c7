// `keys list`: every key, newest first, metadata only.
import type { CliCommand } from '../command.ts';
import { callKeys, KEY_OPTIONS, KEYS_PATH, readKeys } from '../key-client.ts';
import { dateOrNever } from '../ui/date.ts';
import { table } from '../ui/table.ts';

const HEADINGS = ['KEY ID', 'NAME', 'STATUS', 'CREATED', 'EXPIRES', 'PERMISSIONS'];

export const keysList: CliCommand = {
  path: ['keys', 'list'],
  summary: 'List API keys',
  options: KEY_OPTIONS,
  async run(context, input) {
    const keys = readKeys(await callKeys(context, input, 'GET', KEYS_PATH));
    if (input.flag('json')) context.io.out(`${JSON.stringify(keys)}\n`);
    else if (keys.length === 0) context.io.out('No API keys. Make one with: keys generate --name … --permissions …\n');
    else context.io.out(table(HEADINGS, keys.map(row)));
    return 0;
  },
};

function row(key: ReturnType<typeof readKeys>[number]): string[] {
  const { keyId, name, status, createdAt, expiresAt, permissions } = key;
  return [keyId, name, status, dateOrNever(createdAt), dateOrNever(expiresAt), permissions.join(', ')];
}
