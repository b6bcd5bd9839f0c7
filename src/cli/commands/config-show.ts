// `config show`: every setting as the server would use it, and where it comes from. Must never print a secret.
import { pathText } from '../../config/check-source.ts';
import { leaves } from '../../config/layers.ts';
import type { CliCommand } from '../command.ts';
import { databaseName } from '../database-url.ts';
import { configOf, projectDirOf } from '../project.ts';
import { CONFIG_OPTIONS } from '../serve.ts';
import { JSON_OPTION, PROJECT_OPTION } from '../settings.ts';
import { table } from '../ui/table.ts';

const MASK = '***';
const SECRETS = new Set(['auth.apiKeys', 'auth.rootKey', 'auth.jwt.secret', 'auth.basic.credentials']);

export const configShow: CliCommand = {
  path: ['config', 'show'],
  summary: 'Show every setting, secrets masked',
  options: [['--origin', 'say where each value comes from'], ...CONFIG_OPTIONS, PROJECT_OPTION, JSON_OPTION],
  async run(context, input) {
    const config = await configOf(context, input, projectDirOf(context, input));
    const origin = input.flag('origin');
    const values = [...leaves(config.settings)].map(([path, value]) => {
      const name = pathText(path);
      return { name, value: masked(name, value), origin: config.origins.get(name) ?? 'default' };
    });
    const { io } = context;
    if (input.flag('json')) {
      const entries = values.map((entry) => [
        entry.name,
        origin ? { value: entry.value, origin: entry.origin } : entry.value,
      ]);
      io.out(`${JSON.stringify(Object.fromEntries(entries))}\n`);
      return 0;
    }
    const rows = values.map((entry) => [entry.name, JSON.stringify(entry.value), ...(origin ? [entry.origin] : [])]);
    io.out(table(['SETTING', 'VALUE', ...(origin ? ['ORIGIN'] : [])], rows));
    return 0;
  },
};

function masked(name: string, value: unknown): unknown {
  if (SECRETS.has(name)) return Array.isArray(value) ? value.map(() => MASK) : value === null ? null : MASK;
  if (name.startsWith('databases.') && typeof value === 'string' && value.includes('://')) {
    return /^postgres(ql)?:\/\//.test(value) && URL.canParse(value) ? databaseName(value) : MASK;
  }
  return value;
}
