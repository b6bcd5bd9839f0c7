// `conductor build --target cloudflare`: a project on disk to worker.js and wrangler.toml. Owns what goes into a bundle and
// what is refused or warned of before one is made. Must never write anything for a project with errors.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CloudflareBuild } from '../../cli/host.ts';
import { ConfigError } from '../../config/config-error.ts';
import type { Settings } from '../../config/config-schema.ts';
import { isTree, valueAt } from '../../config/layers.ts';
import { resolveConfig } from '../../config/resolve-config.ts';
import { compilePlan } from '../../engine/plan/compile.ts';
import { builtInEnsembles } from '../../ensembles/built-in/built-in-ensembles.ts';
import type { Problem, Project, SourceFile } from '../../ensembles/project.ts';
import type { Ensemble } from '../../model/ensemble.ts';
import { needsOutside } from '../cloudflare/edge-executor.ts';
import { bundleWorker } from './bundle-worker.ts';
import { findConfig } from './find-config.ts';
import { LiveProject } from './live-project.ts';
import { loadConfig } from './load-config.ts';
import { readProject } from './project-files.ts';
import { importModule } from './project-modules.ts';
import { presentWranglerFile, wranglerText } from './wrangler-file.ts';

const WORKER = 'worker.js';
const WRANGLER = 'wrangler.toml';
/** Operations with a store that the edge does not have. */
const SERVER_ONLY = new Set(['data', 'rag']);
/** Where an operation names its KV namespace, and what it takes without a name. */
const KV_OPERATIONS: ReadonlyMap<string, readonly [key: string, fallback: string]> = new Map([
  ['storage', ['binding', 'STORAGE']],
  ['redirect', ['kvBinding', 'REDIRECTS_KV']],
]);

/** Throws ConfigError, and CliError when the bundle cannot be made or a file is somebody else's. */
export async function buildCloudflare(directory: string, out: string): Promise<CloudflareBuild> {
  const root = resolve(directory);
  const { file, settings, written } = await configOf(root);
  const project = (await LiveProject.open({ directory: root, settings })).project();
  const problems = [...project.problems, ...edgeProblems(root, project)];
  if (problems.some(({ severity }) => severity === 'error')) return { problems, built: null };
  const { files } = await readProject(root, settings.discovery);
  const wranglerPath = join(out, WRANGLER);
  const present = presentWranglerFile(wranglerPath);
  const handlers = new Set([...project.agents.values()].flatMap(({ handler }) => handler ?? []));
  const text = await bundleWorker({
    directory: root,
    sources: files.filter((one) => !isPage(one)),
    pages: pagesOf(files, settings),
    builtIns: builtInEnsembles(settings.docs),
    config: file,
    handlers: [...handlers].sort(),
    unkey: valueAt(written, ['auth', 'provider']) === 'unkey',
  });
  const kvBindings = [...new Set(['API_KEYS', ...sessionStore(written), ...kvBindingsOf(project)])];
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, WORKER), text);
  const kept = typeof present === 'object';
  if (!kept) {
    const variables = variablesOf(files, file === null ? '' : readFileSync(join(root, file), 'utf8'));
    writeFileSync(wranglerPath, wranglerText({ name: settings.name, kvBindings, variables }));
  }
  const unbound = kept ? kvBindings.filter((binding) => !present.changed.includes(`"${binding}"`)) : [];
  const bytes = Buffer.byteLength(text);
  return { problems, built: { worker: join(out, WORKER), bytes, wrangler: wranglerPath, kept, unbound } };
}

interface BuildConfig {
  readonly file: string | null;
  /** Those that a build needs: what reads the environment holds at the edge alone. */
  readonly settings: Settings;
  /** As the file exports it. */
  readonly written: unknown;
}

/** Secrets are not there when something is built: blocks that hold them are judged when the Worker answers first. */
async function configOf(root: string): Promise<BuildConfig> {
  const file = findConfig(root);
  if (file === null) return { file, settings: resolveConfig(null, {}).settings, written: {} };
  const written = await exported(root, file);
  try {
    return { file, settings: (await loadConfig(root, {})).settings, written };
  } catch (error) {
    const unset =
      error instanceof ConfigError && error.faults.every(({ message }) => /environment variable unset/.test(message));
    if (!unset || !isTree(written)) throw error;
    const { auth: _auth, databases: _databases, egress: _egress, ...value } = written;
    return { file, settings: resolveConfig({ file, value }, {}).settings, written };
  }
}

/** Null when it does not load: whoever loads it next says why. */
async function exported(root: string, file: string): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(readFileSync(join(root, file), 'utf8'));
    const module = await importModule(root, join(root, file));
    return 'default' in module ? module.default : module;
  } catch {
    return null;
  }
}

/** What a server does and the edge does not: told now, rather than by a 501 later. */
function edgeProblems(root: string, project: Project): Problem[] {
  const lost = [...project.agents.values()].flatMap((agent): Problem[] => {
    const { handler, position } = agent;
    if (handler === null || existsSync(join(root, handler))) return [];
    const message = `The handler ${handler} does not exist.`;
    return [{ severity: 'error', position: position ?? { file: handler, line: 1, column: 1 }, message, hint: null }];
  });
  return [...lost, ...[...project.ensembles.values()].flatMap((ensemble) => ensembleProblems(ensemble, project))];
}

function ensembleProblems({ name, definition, durable, position, triggers }: Ensemble, project: Project): Problem[] {
  const problems: Problem[] = [];
  const warn = (why: string, hint: string) =>
    problems.push({ severity: 'warning', position, message: `${name} cannot run at the edge: ${why}.`, hint });
  const outside = durable ? 'it is durable' : needsOutside(compilePlan(definition, {}, 'check'));
  if (outside) warn(outside, 'It answers 501 there; run it on a server.');
  for (const trigger of triggers) {
    if (trigger.async) warn('its trigger is async', 'It answers 501 there; run it on a server.');
    if (trigger.mode !== 'resume') continue;
    const message = 'mode: resume needs a server: nothing waits at the edge.';
    problems.push({
      severity: 'error',
      position: trigger.position,
      message,
      hint: 'Remove the trigger, or use conductor start.',
    });
  }
  for (const { inputParameters, taskReferenceName } of definition.tasks) {
    const operation = project.agents.get(String(inputParameters?.agent))?.operation ?? '';
    if (SERVER_ONLY.has(operation)) warn(`its step ${taskReferenceName} uses ${operation}`, 'That step fails there.');
  }
  return problems;
}

function isPage({ path }: SourceFile): boolean {
  return path.endsWith('.md');
}

/** Named from the docs folder on. */
function pagesOf(files: readonly SourceFile[], { discovery }: Settings): SourceFile[] {
  const folder = `${discovery.docs.directory}/`;
  return files
    .filter(isPage)
    .map(({ path, text }) => ({ path: path.startsWith(folder) ? path.slice(folder.length) : path, text }));
}

function sessionStore(written: unknown): string[] {
  if (valueAt(written, ['auth', 'provider']) !== 'cookie') return [];
  const named = valueAt(written, ['auth', 'cookie', 'namespace']);
  return [typeof named === 'string' ? named : 'SESSIONS'];
}

/** Of agents and steps, where it is a plain name; one that is worked out at run time must be bound by hand. */
function kvBindingsOf({ agents, ensembles }: Project): string[] {
  const own = [...agents.values()].filter(({ origin }) => origin !== 'built-in').map((agent) => ({ agent, step: {} }));
  const steps = [...ensembles.values()].flatMap(({ definition }) => definition.tasks);
  const used = steps.flatMap(({ inputParameters }) => {
    const agent = agents.get(String(inputParameters?.agent));
    return agent ? [{ agent, step: inputParameters?.config }] : [];
  });
  return [...own, ...used].flatMap(({ agent, step }) => {
    const [key, fallback] = KV_OPERATIONS.get(agent.operation) ?? [];
    if (key === undefined) return [];
    const name = valueAt(step, [key]) ?? agent.config[key] ?? fallback;
    return typeof name === 'string' && /^[A-Za-z_][\w-]*$/.test(name) ? [name] : [];
  });
}

function variablesOf(files: readonly SourceFile[], config: string): string[] {
  const named = new Set<string>();
  const yaml = files.filter((file) => !isPage(file)).map(({ text }) => text);
  for (const text of yaml) for (const [, name = ''] of text.matchAll(/(?:\$\{|\{\{|\$)\s*env\.(\w+)/g)) named.add(name);
  for (const [, name = ''] of config.matchAll(/\bprocess\.env\.(\w+)/g)) named.add(name);
  return [...named].sort();
}
