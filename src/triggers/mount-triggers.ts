// Triggers of a project as routes. Everything that can be wrong with one is found here, before it answers anything: a
// path that is taken, an unset secret, an unknown middleware. What is wrong is not mounted; the rest is.
import type { Problem, Project } from '../ensembles/project.ts';
import type { Route } from '../http/route.ts';
import type { SourcePosition } from '../model/agent.ts';
import type { Ensemble } from '../model/ensemble.ts';
import type { Trigger, TriggerPath } from '../model/trigger.ts';
import { type CorsPath, preflightRoutes } from './cors.ts';
import type { TriggerDeps } from './trigger-deps.ts';
import { triggerRoute } from './trigger-route.ts';

export interface MountedTriggers {
  readonly routes: readonly Route[];
  readonly problems: readonly Problem[];
}

/** Never throws: what cannot be mounted is a problem. */
export function mountTriggers(project: Project, deps: TriggerDeps): MountedTriggers {
  const mounting = new Mounting(deps);
  // A project's own paths come before those of the ensembles that are built in.
  const ensembles = [...project.ensembles.values()].sort((a, b) => rank(a) - rank(b));
  for (const ensemble of ensembles) {
    for (const [index, trigger] of ensemble.triggers.entries()) mounting.add(ensemble, trigger, index);
  }
  return mounting.finish();
}

function rank({ origin }: Ensemble): number {
  return origin === 'built-in' ? 1 : 0;
}

class Mounting {
  readonly #deps: TriggerDeps;
  readonly #routes: Route[] = [];
  readonly #problems: Problem[] = [];
  /** `GET /users/:` -> ensemble. */
  readonly #taken = new Map<string, string>();
  readonly #cors: CorsPath[] = [];

  constructor(deps: TriggerDeps) {
    this.#deps = deps;
  }

  add(ensemble: Ensemble, trigger: Trigger, index: number): void {
    try {
      const route = triggerRoute(ensemble, trigger, index, this.#deps);
      for (const path of trigger.paths) this.#addPath(ensemble, trigger, path, route);
      if (trigger.type === 'http' && trigger.cors?.credentials && trigger.cors.origins.includes('*')) {
        this.#problem(
          'warning',
          trigger.position,
          'cors: credentials are never allowed to every origin ("*")',
          'List the origins.',
        );
      }
    } catch (error) {
      this.#problem('error', trigger.position, error instanceof Error ? error.message : String(error), null);
    }
  }

  finish(): MountedTriggers {
    const own = [...this.#routes, ...preflightRoutes(this.#cors, (shape) => this.#taken.has(`OPTIONS ${shape}`))];
    const rest = (this.#deps.fallback ?? []).filter(
      ({ method, path }) => !this.#taken.has(`${method} ${shapeOf(path)}`),
    );
    return { routes: [...own, ...rest], problems: this.#problems };
  }

  #addPath(
    ensemble: Ensemble,
    trigger: Trigger,
    { path, methods }: TriggerPath,
    make: (path: string) => Omit<Route, 'method'>,
  ): void {
    if (!isPath(path)) {
      this.#problem(
        'error',
        trigger.position,
        `The path ${path} cannot be mounted`,
        'Write /segments, /:parameters and a last /*.',
      );
      return;
    }
    const made = make(path);
    const mounted = methods.filter((method) => {
      const owner = this.#ownerOf(method, path);
      if (owner === null) return true;
      // A built-in page gives way to the project's own without a word.
      if (ensemble.origin !== 'built-in') {
        this.#problem(
          'error',
          trigger.position,
          `${method} ${path} is answered by ${owner} already`,
          'Choose another path.',
        );
      }
      return false;
    });
    for (const method of mounted) {
      this.#taken.set(`${method} ${shapeOf(path)}`, ensemble.name);
      this.#routes.push({ ...made, method });
    }
    if (trigger.type === 'http' && trigger.cors && mounted.length > 0) {
      this.#cors.push({ path, shape: shapeOf(path), methods: mounted, cors: trigger.cors });
    }
  }

  #ownerOf(method: string, path: string): string | null {
    if (this.#deps.owned?.(path)) return 'the vault';
    const fixed = this.#deps.fixed(method, path);
    if (fixed.route) return `the server (${fixed.route.method} ${fixed.route.path})`;
    const other = this.#taken.get(`${method} ${shapeOf(path)}`);
    return other === undefined ? null : `ensemble "${other}"`;
  }

  #problem(severity: Problem['severity'], position: SourcePosition, message: string, hint: string | null): void {
    this.#problems.push({ severity, position, message, hint });
  }
}

/** Paths of one shape are one path to a caller, whatever their parameters are called. */
function shapeOf(path: string): string {
  return path.replace(/:[^/]+/g, ':');
}

function isPath(path: string): boolean {
  if (path === '/') return true;
  const segments = path.split('/').slice(1);
  return path.startsWith('/') && segments.every((segment, i) => isSegment(segment, i === segments.length - 1));
}

function isSegment(segment: string, last: boolean): boolean {
  if (segment === '*') return last;
  if (segment.startsWith(':')) return /^:\w+$/.test(segment);
  return /^[\w.~!$&'()+,;=@-]+$/.test(segment) && segment !== '.' && segment !== '..';
}
