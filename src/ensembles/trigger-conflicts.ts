// Two triggers must not answer the same requests. A project's own definitions come before the built-in ones, which give
// up what is taken; between two of the project's own, the second has an error. Must never reorder anything.
import type { Ensemble } from '../model/ensemble.ts';
import type { HttpMethod, Trigger } from '../model/trigger.ts';
import { pathShape } from './trigger-path.ts';

export interface Conflict {
  readonly ensemble: Ensemble;
  readonly trigger: Trigger;
  readonly other: Ensemble;
  readonly otherTrigger: Trigger;
  readonly method: HttpMethod;
  readonly path: string;
}

/** The conflicts among a project's own ensembles, in their order. */
export function findConflicts(ensembles: Iterable<Ensemble>): Conflict[] {
  const taken = new Map<string, { ensemble: Ensemble; trigger: Trigger }>();
  const conflicts: Conflict[] = [];
  for (const ensemble of ensembles) {
    for (const [trigger, path, method] of mounts(ensemble)) {
      const key = mountKey(method, path);
      const other = taken.get(key);
      if (other === undefined) taken.set(key, { ensemble, trigger });
      else conflicts.push({ ensemble, trigger, other: other.ensemble, otherTrigger: other.trigger, method, path });
    }
  }
  return conflicts;
}

/**
 * A built-in ensemble without the triggers of which a project's own ensembles answer a path. Without all of such a
 * trigger: who guards one of its paths does not expect the others to stay open.
 */
export function yieldPaths(builtIn: Ensemble, own: Iterable<Ensemble>): Ensemble {
  const taken = new Set(
    [...own].flatMap((ensemble) => mounts(ensemble).map(([, path, method]) => mountKey(method, path))),
  );
  const isFree = ({ paths }: Trigger) =>
    paths.every(({ path, methods }) => methods.every((method) => !taken.has(mountKey(method, path))));
  const triggers = builtIn.triggers.filter(isFree);
  return { ...builtIn, triggers };
}

function mounts(ensemble: Ensemble): (readonly [Trigger, string, HttpMethod])[] {
  return ensemble.triggers.flatMap((trigger) =>
    trigger.paths.flatMap(({ path, methods }) => methods.map((method) => [trigger, path, method] as const)),
  );
}

function mountKey(method: HttpMethod, path: string): string {
  return `${method} ${pathShape(path)}`;
}
