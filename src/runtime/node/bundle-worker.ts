// A project and the edge runtime as one ES module. Owns the bundler's settings and the module that starts it all; what is
// in the project is known to it as text and paths. Must never let a Node module into a bundle: it would fail only there.
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { CliError } from '../../cli/host.ts';
import type { SourceFile } from '../../ensembles/project.ts';
import { packageVersion } from './version.ts';

export interface WorkerParts {
  readonly directory: string;
  readonly sources: readonly SourceFile[];
  readonly pages: readonly SourceFile[];
  readonly builtIns: readonly SourceFile[];
  /** File name of the configuration; null: there is none. */
  readonly config: string | null;
  /** Paths of handlers in the project. */
  readonly handlers: readonly string[];
  readonly unkey: boolean;
}

/** What is used of rolldown, which is installed by those who build. */
interface Rolldown {
  rolldown(options: object): Promise<{
    generate(options: object): Promise<{ output: readonly { readonly type: string; readonly code?: string }[] }>;
    close(): Promise<void>;
  }>;
}

const ENTRY = 'conductor:entry';
const PROCESS_ENV = 'conductor:process-env';
const PACKAGE = '@ensemble-edge/conductor';

/** The text of the module. Throws CliError with what its author must mend. */
export async function bundleWorker(parts: WorkerParts): Promise<string> {
  const { rolldown } = await loadRolldown();
  const missing: string[] = [];
  try {
    const bundle = await rolldown({
      input: ENTRY,
      cwd: parts.directory,
      platform: 'browser',
      external: /^cloudflare:/,
      resolve: { conditionNames: ['workerd', 'worker', 'browser', 'import', 'module', 'default'] },
      transform: {
        define: { 'process.env.NODE_ENV': '"production"' },
        // Workers have no process; configurations and handlers read its environment all the same.
        inject: { 'process.env': PROCESS_ENV },
      },
      plugins: [modulesOf(parts, missing)],
      // What cannot be found would be left as an import, and fail only there.
      onLog(_level: string, { code, message }: { readonly code?: string; readonly message: string }) {
        if (code === 'UNRESOLVED_IMPORT') missing.push(plain(message));
      },
    });
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
    await bundle.close();
    const [chunk, ...others] = output;
    if (chunk?.code !== undefined && others.length === 0 && missing.length === 0) return chunk.code;
    throw new Error(missing.join('\n') || `it came out as ${output.length} files, and a Worker is one`);
  } catch (error) {
    const why = missing.join('\n') || plain(error instanceof Error ? error.message : String(error));
    throw new CliError(`The bundle cannot be made: ${why}`);
  }
}

function plain(message: string): string {
  return stripVTControlCharacters(message).trim();
}

async function loadRolldown(): Promise<Rolldown> {
  // By a name that no bundler or checker follows: it is installed where something is built, and nowhere else.
  const name = 'rolldown';
  try {
    return await import(name);
  } catch {
    throw new CliError('Building needs rolldown: npm install -D rolldown');
  }
}

function modulesOf(parts: WorkerParts, missing: string[]) {
  return {
    name: 'conductor',
    resolveId(source: string, importer: string | undefined) {
      if (source === ENTRY || source === PROCESS_ENV) return source;
      if (source === PACKAGE) return edgeModule('package-root');
      if (!isBuiltin(source)) return null;
      missing.push(`${relative(parts.directory, importer ?? '')} imports ${source}, which Workers do not have.`);
      return { id: source, external: true };
    },
    load(id: string) {
      if (id === ENTRY) return entryText(parts);
      return id === PROCESS_ENV ? PROCESS_ENV_TEXT : null;
    },
    transform(code: string, id: string) {
      // A package that is loaded by name has none in a bundle: it is passed in, or it is not there.
      return /[/\\]unkey-client\.[jt]s$/.test(id) ? code.replace('import(PACKAGE)', 'Promise.reject()') : null;
    },
  };
}

const PROCESS_ENV_TEXT = `
import { env } from 'cloudflare:workers';
export default Object.fromEntries(Object.entries(env).filter(([, value]) => typeof value === 'string'));
`;

function entryText({ directory, sources, pages, builtIns, config, handlers, unkey }: WorkerParts): string {
  const at = (path: string) => JSON.stringify(join(directory, path));
  const json = config?.endsWith('.json') ?? false;
  return `
import { waitUntil } from 'cloudflare:workers';
import { createWorker } from ${JSON.stringify(edgeModule('worker'))};
${config === null ? '' : `import ${json ? '' : '* as '}config from ${at(config)};`}
${handlers.map((path, index) => `import * as handler${index} from ${at(path)};`).join('\n')}
export default createWorker({
  version: ${JSON.stringify(packageVersion())},
  builtIns: ${JSON.stringify(builtIns)},
  sources: ${JSON.stringify(sources)},
  pages: ${JSON.stringify(pages)},
  config: ${config === null ? 'null' : `{ file: ${JSON.stringify(config)}, value: ${json ? 'config' : "'default' in config ? config.default : { ...config }"} }`},
  handlers: { ${handlers.map((path, index) => `${JSON.stringify(path)}: handler${index}`).join(', ')} },
  waitUntil,
  ${unkey ? "loadUnkey: () => import('@unkey/api')," : ''}
});
`;
}

/** In source and in the build alike. */
function edgeModule(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../cloudflare/${name}.${extension}`, import.meta.url));
}
