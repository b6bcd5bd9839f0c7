// DYNAMIC: an input names the task that it becomes. A name that is a system type becomes that, any other a SIMPLE task.
import type { JsonValue } from '../../model/json.ts';
import type { Step } from '../plan/plan.ts';
import { queueOf, type TaskType, type TaskTypes, wireTypeOf } from './task-type.ts';

export const dynamic: TaskType = {
  type: 'DYNAMIC',
  control: true,
  check(task, report) {
    if (!task.dynamicTaskNameParam) report('dynamicTaskNameParam', 'DYNAMIC needs dynamicTaskNameParam');
  },
  birth(flow, step, place, input) {
    const name = input.object[step.task.dynamicTaskNameParam ?? ''];
    const type = becomes(flow.types, name);
    if (typeof name !== 'string' || !type) return { reason: unmapped(step, name) };
    return {
      type: wireTypeOf(type, name),
      defName: name,
      queue: queueOf(type, name),
      ...type.birth?.(flow, step, place, input),
    };
  },
  start(flow, task) {
    flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason: task.reason });
  },
};

/** Types with nested steps have none here, so they cannot be meant. */
function becomes(types: TaskTypes, name: JsonValue | undefined): TaskType | undefined {
  if (typeof name !== 'string' || name === '') return undefined;
  const type = types.get(name) ?? types.get('SIMPLE');
  return type?.control ? undefined : type;
}

function unmapped(step: Step, name: JsonValue | undefined): string {
  const param = step.task.dynamicTaskNameParam ?? '';
  return `Cannot map a dynamic task based on the parameter and input. Please check the task name value: ${JSON.stringify(name ?? null)} of input ${param}`;
}
