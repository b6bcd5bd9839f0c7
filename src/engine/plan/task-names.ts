// Every WorkflowTask of a definition, nested ones too. Owns the walk; must never care what a type means.
import type { WorkflowDefinition, WorkflowTask } from '../../model/workflow-definition.ts';

/** Depth first, in written order. */
export function* allTasks(tasks: readonly WorkflowTask[]): Generator<WorkflowTask> {
  for (const task of tasks) {
    yield task;
    for (const branch of task.forkTasks) yield* allTasks(branch);
    for (const branch of Object.values(task.decisionCases)) yield* allTasks(branch);
    yield* allTasks(task.defaultCase);
    yield* allTasks(task.loopOver);
  }
}

/** The task names a definition mentions, each once: whose task definitions its snapshot must freeze. */
export function taskNamesOf(definition: WorkflowDefinition): string[] {
  const names = new Set<string>();
  for (const task of allTasks(definition.tasks)) names.add(task.name);
  return [...names];
}
