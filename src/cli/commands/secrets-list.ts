// `secrets list`: which vendors have a secret, and since when. Never the secrets.
import type { CliCommand } from '../command.ts';
import { withConnection } from '../connection.ts';
import { readSecrets, SECRETS_PATH } from '../secret-client.ts';
import { TARGET_OPTIONS } from '../settings.ts';
import { instant } from '../ui/date.ts';
import { table } from '../ui/table.ts';

export const secretsList: CliCommand = {
  path: ['secrets', 'list'],
  summary: 'List the vendors whose secret is stored',
  options: TARGET_OPTIONS,
  async run(context, input) {
    const body = await withConnection(context, input, (connection) => connection.call('GET', SECRETS_PATH));
    const secrets = readSecrets(body);
    if (input.flag('json')) context.io.out(`${JSON.stringify(secrets)}\n`);
    else if (secrets.length === 0) context.io.out('No vendor secrets. Store one with: secrets set <vendor>\n');
    else {
      const rows = secrets.map(({ vendor, name, source, created_at: storedAt }) => [
        vendor,
        name,
        source,
        storedAt === null ? '' : instant(Date.parse(storedAt)),
      ]);
      context.io.out(table(['VENDOR', 'NAME', 'SOURCE', 'STORED'], rows));
    }
    return 0;
  },
};
