// Finding the step of a stored task, for whoever renders or hands it out. Binds the fragment builder to the registered
// task types.
import type { Json } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import { isTaskType } from '../tasks/registry.ts';
import { findStep, fragmentOf } from './build-fragment.ts';
import type { Plan, Step } from './plan.ts';

/** The step that a task is an attempt of, in the plan or in its dynamic branch; undefined when it is of another plan. */
export function stepOf(plan: Plan, task: Task): Step | undefined {
  return findStep(plan, task, isTaskType);
}

/** Compiles the root of one dynamic branch; remembered with `task`. Throws ZodError when it is not a WorkflowTask. */
export function loadFragment(task: Json, taskDefinitions: Readonly<Record<string, TaskDefinition>>): Step {
  return fragmentOf(task, taskDefinitions, isTaskType).root;
}
