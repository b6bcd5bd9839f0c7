// From a configuration file's export, the environment and the command line to settings that are complete, with the origin
// of every value. Owns the order (a flag beats the environment, that beats the file) and the words of every refusal.
// Must never repeat a value in a message: it may be a secret.
import type { z } from 'zod';
import { didYouMean } from '../model/did-you-mean.ts';
import { pathText, sourceFaults } from './check-source.ts';
import { ConfigError, type ConfigFault } from './config-error.ts';
import { configSchema, KEYS_TO_COME, type Settings } from './config-schema.ts';
import { ENVIRONMENT_VARIABLES, type Environment } from './environment.ts';
import { isTree, type Layer, leaves, originAt, overlay, type Tree, treeOf, valueAt } from './layers.ts';

export interface ResolvedConfig {
  readonly settings: Settings;
  /** `default`, `file:conductor.config.ts`, `env:CONDUCTOR_PORT`, `flag --port`; by path, `server.port`. */
  readonly origins: ReadonlyMap<string, string>;
  /** The file's name, or null where there is none. */
  readonly file: string | null;
}

/** What a configuration file exported. */
export interface ConfigSource {
  readonly file: string;
  readonly value: unknown;
}

/** Flags of the command line that the configuration knows too. */
export interface ConfigFlags {
  readonly host?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly allowOrigins?: readonly string[];
}

const FLAGS = [
  { key: 'host', name: '--host', path: ['server', 'host'] },
  { key: 'port', name: '--port', path: ['server', 'port'] },
  { key: 'publicUrl', name: '--public-url', path: ['server', 'publicUrl'] },
  { key: 'allowOrigins', name: '--allow-origin', path: ['egress', 'allowOrigins'] },
] as const;

const DEFAULTS = configSchema.parse({});

/** Throws ConfigError, with every fault there is. `source` null: there is no file. */
export function resolveConfig(source: ConfigSource | null, env: Environment, flags: ConfigFlags = {}): ResolvedConfig {
  const file = source?.file ?? null;
  const above = [...environmentLayers(env), ...flagLayers(flags)];
  const layers = [...fileLayers(source, above), ...above];
  const parsed = configSchema.safeParse(withOneSwitch(overlay(layers)));
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.flatMap((issue) => faultsOf(issue, layers)),
      file,
    );
  const settings = parsed.data;
  const origins = new Map<string, string>();
  for (const [path] of leaves(settings)) origins.set(pathText(path), originAt(layers, path) ?? 'default');
  const moved = originAt(layers, ['auth', 'requireAuth']) ?? originAt(layers, ['security', 'requireAuth']);
  origins.set('auth.requireAuth', moved ?? 'default');
  return { settings, origins, file };
}

function fileLayers(source: ConfigSource | null, above: readonly Layer[]): Layer[] {
  if (source === null) return [];
  const { file, value } = source;
  if (!isTree(value)) {
    const message = 'must export an object: export default { … }, or export default defineConfig({ … }).';
    throw new ConfigError([{ path: '', message, hint: null }], file);
  }
  const faults = sourceFaults(value, overlay(above));
  if (faults.length > 0) throw new ConfigError(faults, file);
  return [{ tree: value, origin: `file:${file}` }];
}

function environmentLayers(env: Environment): Layer[] {
  return ENVIRONMENT_VARIABLES.flatMap(({ name, path, read }) => {
    const text = env[name];
    return text === undefined || text.trim() === '' ? [] : [{ tree: treeOf(path, read(text)), origin: `env:${name}` }];
  });
}

function flagLayers(flags: ConfigFlags): Layer[] {
  return FLAGS.flatMap(({ key, name, path }) => {
    const value = flags[key];
    return value === undefined ? [] : [{ tree: treeOf(path, value), origin: `flag ${name}` }];
  });
}

/** `security.requireAuth` is another place for the same switch. */
function withOneSwitch(tree: Tree): Tree {
  const value = valueAt(tree, ['security', 'requireAuth']);
  if (value === undefined || value === null || valueAt(tree, ['auth', 'requireAuth']) !== undefined) return tree;
  // A block of the wrong shape is the schema's to refuse.
  if (tree.auth !== undefined && !isTree(tree.auth)) return tree;
  return { ...tree, auth: { ...tree.auth, requireAuth: value } };
}

function faultsOf(issue: z.core.$ZodIssue, layers: readonly Layer[]): ConfigFault[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...issue.path, key]));
  const origin = originAt(layers, issue.path);
  // The file is named before every line; what came from elsewhere says so.
  const from = origin === undefined || origin.startsWith('file:') ? '' : `(${origin}) `;
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : wording(issue);
  return [{ path: pathText(issue.path), message: `${from}${message}`, hint: null }];
}

function wording(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}.`;
  if (issue.code === 'invalid_type')
    return `must be ${issue.expected === 'int' ? 'a whole number' : `of type ${issue.expected}`}.`;
  if (issue.code === 'too_big' && issue.origin === 'number') return `must be at most ${issue.maximum}.`;
  if (issue.code === 'too_small' && issue.origin === 'number') return `must be at least ${issue.minimum}.`;
  return issue.message.replace(/^(Too|Invalid)/, 'is not valid: $1');
}

function unknownKey(path: readonly PropertyKey[]): ConfigFault {
  const text = pathText(path);
  if (KEYS_TO_COME.has(text)) return { path: text, message: 'is not supported yet by this version.', hint: null };
  const known = Object.keys(valueAt(DEFAULTS, path.slice(0, -1)) ?? {});
  const meant = didYouMean(String(path.at(-1)), known);
  const hint = meant === undefined ? null : `Did you mean \`${pathText([...path.slice(0, -1), meant])}\`?`;
  return { path: text, message: 'is not a setting.', hint };
}
