// What `doctor` finds out about a project: does its configuration load, are its files in order, do its handlers load, is
// authentication on, and are the environment variables set that its files speak of.
import type { ResolvedConfig } from '../config/resolve-config.ts';
import type { SourceFile } from '../ensembles/project.ts';
import type { Context, Input } from './command.ts';
import type { Finding } from './host.ts';
import { configOf, projectDirOf } from './project.ts';
import { problemCount } from './ui/problems.ts';
import { isUnset, namedVariables } from './unset-variables.ts';

/** Below this a static key can be guessed. */
const KEY_LENGTH_LEAST = 16;

export async function projectFindings(context: Context, input: Input): Promise<readonly Finding[]> {
  let directory: string | undefined;
  let config: ResolvedConfig;
  try {
    directory = projectDirOf(context, input);
    config = await configOf(context, input, directory);
  } catch (error) {
    return [{ check: 'Configuration', ok: false, detail: error instanceof Error ? error.message : String(error) }];
  }
  const first = [
    { check: 'Configuration', ok: true, detail: config.file ?? 'no file: defaults and environment' },
    authentication(config),
  ];
  if (directory === undefined) return first;
  const { files, project } = await context.host.loadProject(directory, config);
  return [
    ...first,
    {
      check: 'Project',
      ok: project.problems.length === 0,
      detail:
        problemCount(project.problems) === '' ? directory : `${problemCount(project.problems)}: see conductor validate`,
    },
    await handlers(context, directory, [...project.agents.values()]),
    variables(context, files),
  ];
}

function authentication({ settings }: ResolvedConfig): Finding {
  const { allowAnonymous, apiKeys, requireAuth } = settings.auth;
  const check = 'Authentication';
  if (!requireAuth) return { check, ok: false, detail: 'OFF: auth.requireAuth is false' };
  if (allowAnonymous)
    return { check, ok: false, detail: 'OFF for who sends no credential: auth.allowAnonymous is true' };
  const short = apiKeys.some((key) => key.length < KEY_LENGTH_LEAST);
  const detail = short ? `on, but a key of auth.apiKeys has fewer than ${KEY_LENGTH_LEAST} characters` : 'on';
  return { check, ok: !short, detail };
}

async function handlers(
  { host }: Context,
  directory: string,
  agents: readonly Parameters<Context['host']['handlerFault']>[1][],
): Promise<Finding> {
  const own = agents.filter(({ handler }) => handler !== null);
  const faults = await Promise.all(own.map((agent) => host.handlerFault(directory, agent)));
  const told = faults.filter((fault) => fault !== null);
  const detail = told.length === 0 ? `${own.length} load` : told.join('; ');
  return { check: 'Handlers', ok: told.length === 0, detail };
}

function variables({ io }: Context, files: readonly SourceFile[]): Finding {
  const named = namedVariables(files);
  const namesOf = (variables: typeof named) => [...new Set(variables.map(({ name }) => name))];
  const unset = namesOf(named.filter((variable) => isUnset(io, variable)));
  const detail = unset.length === 0 ? `${namesOf(named).length} needed, all set` : `not set: ${unset.join(', ')}`;
  return { check: 'Environment', ok: unset.length === 0, detail };
}
