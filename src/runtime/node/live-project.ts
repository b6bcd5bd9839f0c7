// The project that a server runs: its files read, its ensembles compiled, its triggers mounted, and all of it replaced at
// one stroke when files change. A reload with errors leaves what runs as it is. Must never let a handler's code outlive
// the file that it came from.
import type { Settings } from '../../config/config-schema.ts';
import type { Environment } from '../../config/environment.ts';
import { builtInEnsembles } from '../../ensembles/built-in/built-in-ensembles.ts';
import { loadProject } from '../../ensembles/load-project.ts';
import type { Problem, Project, SourceFile } from '../../ensembles/project.ts';
import { createMatcher, type Matcher } from '../../http/match.ts';
import type { Route } from '../../http/route.ts';
import type { JsonObject } from '../../model/json.ts';
import { BUILT_IN_AGENTS } from '../../operations/built-in-agents.ts';
import { pageOfFile } from '../../operations/docs/docs-page.ts';
import type { Catalog } from '../../operations/operation.ts';
import { OPERATIONS } from '../../operations/registry.ts';
import { projectCatalog } from '../project-catalog.ts';
import { agentEnvironment } from './agent-surroundings.ts';
import { createHandlerLoader, type HandlerLoader } from './handler-loader.ts';
import { readProject } from './project-files.ts';

/** Makes routes of a project's triggers, and says what is wrong with those that it cannot. */
export type Mount = (project: Project) => { readonly routes: readonly Route[]; readonly problems: readonly Problem[] };

export interface LiveProjectOptions {
  /** Null: no files, only what is built in. */
  readonly directory: string | null;
  readonly settings: Settings;
}

interface Present {
  readonly project: Project;
  /** What agents and triggers see of the environment. */
  readonly env: Environment;
  readonly pages: ReturnType<Catalog['pages']>;
}

export class LiveProject {
  readonly #options: LiveProjectOptions;
  readonly #handlers: HandlerLoader | null;
  #present: Present;
  #mount: Mount | null = null;
  #matcher: Matcher | null = null;

  private constructor(options: LiveProjectOptions, present: Present) {
    this.#options = options;
    this.#present = present;
    this.#handlers = options.directory === null ? null : createHandlerLoader(options.directory);
  }

  static async open(options: LiveProjectOptions): Promise<LiveProject> {
    return new LiveProject(options, await read(options));
  }

  readonly project = (): Project => this.#present.project;

  /** Of the triggers; null before they are mounted. */
  readonly matcher = (): Matcher | null => this.#matcher;

  readonly env = (): Environment => this.#present.env;

  get handlers(): HandlerLoader | null {
    return this.#handlers;
  }

  /** What docs may tell of it. `openapi` is asked at every look: routes are made after this. */
  catalog(openapi: () => JsonObject): Catalog {
    return projectCatalog({
      projectName: this.#options.settings.name,
      projectVersion: this.#options.settings.version,
      project: this.project,
      pages: () => this.#present.pages,
      openapi,
    });
  }

  mount(mount: Mount): void {
    this.#mount = mount;
    this.#take(this.#present, mount(this.project()));
  }

  /** Reads the files anew. With errors among them what runs goes on unchanged; they are what it resolves with. */
  async reload(): Promise<readonly Problem[]> {
    const present = await read(this.#options);
    const mounted = this.#mount?.(present.project) ?? { routes: [], problems: [] };
    const problems = [...present.project.problems, ...mounted.problems];
    if (problems.some(({ severity }) => severity === 'error')) return problems;
    this.#handlers?.forget();
    this.#take(present, mounted);
    return problems;
  }

  #take({ project, ...rest }: Present, { routes, problems }: ReturnType<Mount>): void {
    this.#present = { ...rest, project: { ...project, problems: [...project.problems, ...problems] } };
    this.#matcher = createMatcher(routes);
  }
}

async function read({ directory, settings }: LiveProjectOptions): Promise<Present> {
  const found = directory === null ? { files: [], problems: [] } : await readProject(directory, settings.discovery);
  const isPage = (file: SourceFile) => file.path.endsWith('.md');
  const project = loadProject(
    found.files.filter((file) => !isPage(file)),
    { agents: BUILT_IN_AGENTS, ensembles: builtInEnsembles(settings.docs) },
    OPERATIONS,
  );
  const docs = `${settings.discovery.docs.directory}/`;
  const pages = found.files.filter(isPage).flatMap(({ path, text }) => {
    const page = pageOfFile(path.startsWith(docs) ? path.slice(docs.length) : path, text);
    return page ? [page] : [];
  });
  const env = agentEnvironment();
  return { project: { ...project, problems: [...found.problems, ...project.problems] }, pages, env };
}
