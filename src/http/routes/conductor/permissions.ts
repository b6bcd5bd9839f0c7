// Which permission a request about an execution or a task needs. Who holds the broad grant pays no look-up; who may
// not know that a thing exists gets the same 404 as for a thing that does not.
import type { Access, Principal } from '../../../access/access.ts';
import type { Task } from '../../../model/run.ts';
import type { Orchestrator } from '../../../orchestrator/orchestrator-api.ts';
import type { Reads } from '../../../store/port.ts';
import { permission } from '../../permission.ts';
import type { HttpRequest } from '../../route.ts';
import { noSuchRun, noSuchTask } from './not-found.ts';

export type RunAction = 'read' | 'manage';

export interface Permissions {
  /** `workflow:<name>:<action>` of the run in a path parameter. */
  run(action: RunAction, parameter: string): (request: HttpRequest) => string | Promise<string>;
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
  /** The permission, unless the caller may not even know that its subject exists: then `unknown`. */
  function unlessHidden(principal: Principal, wanted: string, visible: readonly string[], unknown: Error): string {
    if (access.allows(principal, wanted) || visible.some((other) => access.allows(principal, other))) return wanted;
    throw unknown;
  }

  async function subjectOf(taskId: string): Promise<Subject> {
    const open = orchestrator.openTask(taskId);
    if (open) return open;
    const stored = await reads.taskById(taskId);
    if (!stored) throw noSuchTask(taskId);
    return { taskType: typeOf(stored.task), runName: stored.run.name };
  }

  function taskPermission(principal: Principal, { taskType, runName }: Subject, unknown: Error): string {
    const visible = [permission('workflow', runName, 'read'), permission('task', taskType, 'poll')];
    return unlessHidden(principal, permission('task', taskType, 'update'), visible, unknown);
  }

  return {
    run: (action, parameter) => (request) => {
      const broad = permission('workflow', '*', action);
      if (access.allows(request.principal, broad)) return broad;
      const id = request.params[parameter] ?? '';
      return reads.run(id, false).then((loaded) => {
        if (!loaded) throw noSuchRun(id);
        const { name } = loaded.run;
        const visible = [permission('workflow', name, 'read')];
        return unlessHidden(request.principal, permission('workflow', name, action), visible, noSuchRun(id));
      });
    },

    taskUpdate: (taskIdOf) => (request) => {
      if (access.allows(request.principal, ANY_TASK_UPDATE)) return ANY_TASK_UPDATE;
      return Promise.resolve(taskIdOf(request)).then(async (taskId) =>
        taskPermission(request.principal, await subjectOf(taskId), noSuchTask(taskId)),
      );
    },

    taskRead: (parameter) => (request) => {
      const broad = permission('workflow', '*', 'read');
      if (access.allows(request.principal, broad)) return broad;
      const taskId = request.params[parameter] ?? '';
      return subjectOf(taskId).then(({ runName }) =>
        unlessHidden(request.principal, permission('workflow', runName, 'read'), [], noSuchTask(taskId)),
      );
    },

    refUpdate: (runParameter, refParameter) => (request) => {
      if (access.allows(request.principal, ANY_TASK_UPDATE)) return ANY_TASK_UPDATE;
      const { [runParameter]: id = '', [refParameter]: ref = '' } = request.params;
      return reads.run(id, true).then((loaded) => {
        const task = loaded?.tasks.findLast((candidate) => candidate.ref === ref || candidate.step === ref);
        if (!loaded || !task) throw noSuchRun(id);
        return taskPermission(request.principal, { taskType: typeOf(task), runName: loaded.run.name }, noSuchRun(id));
      });
    },
  };
}

/** The type that a worker polls for; tasks that nobody polls go by their own. */
function typeOf({ queue, type }: Task): string {
  return queue ?? type;
}
