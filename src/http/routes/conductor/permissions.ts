// Which permission a request about an execution or a task needs. Who holds the broad grant pays no look-up; who may
// not know that a thing exists gets the same 404 as for a thing that does not.
import type { Access, Principal } from '../../../access/access.ts';
import type { Task } from '../../../model/run.ts';
import type { Orchestrator } from '../../../orchestrator/orchestrator-api.ts';
import type { Reads } from '../../../store/reads.ts';
import { permission } from '../../permission.ts';
import type { HttpRequest } from '../../route.ts';
import { noSuchRun, noSuchTask } from './not-found.ts';

export type RunAction = 'read' | 'manage';

export interface Permissions {
  /** `workflow:<name>:<action>` of the run in a path parameter. */
  run(action: RunAction, parameter: string): (request: HttpRequest) => string | Promise<string>;
  /** The same for a run that the request names elsewhere. */
  runById(action: RunAction, principal: Principal, id: string): string | Promise<string>;
  /** `task:<type>:update` of the task whose id `taskIdOf` finds. */
  taskUpdate(
    taskIdOf: (request: HttpRequest) => string | Promise<string>,
  ): (request: HttpRequest) => string | Promise<string>;
  /** `workflow:<name>:read` of the run of the task in a path parameter. */
  taskRead(parameter: string): (request: HttpRequest) => string | Promise<string>;
  /** `task:<type>:update` of the latest task of a reference. */
  refUpdate(runParameter: string, refParameter: string): (request: HttpRequest) => string | Promise<string>;
}

interface Subject {
  readonly taskType: string;
  readonly runName: string;
}

interface Deps {
  readonly access: Access;
  readonly orchestrator: Pick<Orchestrator, 'openTask'>;
  readonly reads: Reads;
}

const ANY_TASK_UPDATE = permission('task', '*', 'update');

export function createPermissions({ access, orchestrator, reads }: Deps): Permissions {
  const subjects = new Subjects(orchestrator, reads);
  /** The permission, unless the caller may not even know that its subject exists: then `unknown`. */
  const unlessHidden = (principal: Principal, wanted: string, visible: readonly string[], unknown: Error): string => {
    if (access.allows(principal, wanted) || visible.some((other) => access.allows(principal, other))) return wanted;
    throw unknown;
  };
  const updateOf = (principal: Principal, { taskType, runName }: Subject, unknown: Error): string => {
    const visible = [permission('workflow', runName, 'read'), permission('task', taskType, 'poll')];
    return unlessHidden(principal, permission('task', taskType, 'update'), visible, unknown);
  };
  /** `broad` when the caller holds it, else what `narrow` finds out. */
  const either =
    (broad: string, narrow: (request: HttpRequest) => Promise<string>) =>
    (request: HttpRequest): string | Promise<string> =>
      access.allows(request.principal, broad) ? broad : narrow(request);

  const runById: Permissions['runById'] = (action, principal, id) => {
    const broad = permission('workflow', '*', action);
    if (access.allows(principal, broad)) return broad;
    return subjects.runName(id).then((name) => {
      const visible = [permission('workflow', name, 'read')];
      return unlessHidden(principal, permission('workflow', name, action), visible, noSuchRun(id));
    });
  };

  return {
    run:
      (action, parameter) =>
      ({ principal, params }) =>
        runById(action, principal, params[parameter] ?? ''),
    runById,
    taskUpdate: (taskIdOf) =>
      either(ANY_TASK_UPDATE, async (request) => {
        const id = await taskIdOf(request);
        return updateOf(request.principal, await subjects.byTaskId(id), noSuchTask(id));
      }),
    taskRead: (parameter) =>
      either(permission('workflow', '*', 'read'), async ({ principal, params }) => {
        const id = params[parameter] ?? '';
        const { runName } = await subjects.byTaskId(id);
        return unlessHidden(principal, permission('workflow', runName, 'read'), [], noSuchTask(id));
      }),
    refUpdate: (runParameter, refParameter) =>
      either(ANY_TASK_UPDATE, async ({ principal, params }) => {
        const id = params[runParameter] ?? '';
        return updateOf(principal, await subjects.byRef(id, params[refParameter] ?? ''), noSuchRun(id));
      }),
  };
}

/** Finds what a permission is about: memory first, the store for what is closed. Throws AppError not_found. */
class Subjects {
  readonly #orchestrator: Deps['orchestrator'];
  readonly #reads: Reads;

  constructor(orchestrator: Deps['orchestrator'], reads: Reads) {
    this.#orchestrator = orchestrator;
    this.#reads = reads;
  }

  async runName(id: string): Promise<string> {
    const loaded = await this.#reads.run(id, false);
    if (!loaded) throw noSuchRun(id);
    return loaded.run.name;
  }

  async byTaskId(id: string): Promise<Subject> {
    const open = await this.#orchestrator.openTask(id);
    if (open) return open;
    const stored = await this.#reads.taskById(id);
    if (!stored) throw noSuchTask(id);
    return { taskType: typeOf(stored.task), runName: stored.run.name };
  }

  async byRef(id: string, ref: string): Promise<Subject> {
    const loaded = await this.#reads.run(id, true);
    const task = loaded?.tasks.findLast((candidate) => candidate.ref === ref || candidate.step === ref);
    if (!loaded || !task) throw noSuchRun(id);
    return { taskType: typeOf(task), runName: loaded.run.name };
  }
}

/** The type that a worker polls for; tasks that nobody polls go by their own. */
function typeOf({ queue, type }: Task): string {
  return queue ?? type;
}
