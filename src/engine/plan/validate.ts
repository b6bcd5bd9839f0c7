// Judges a definition when it is registered: duplicate references, references to nothing, and what each type demands.
// Collects every fault instead of stopping at the first. Must never need a run.

import type { Template } from '../../expressions/template.ts';
import type { FieldError } from '../../model/error.ts';
import type { WorkflowDefinition, WorkflowTask } from '../../model/workflow-definition.ts';
import type { TaskTypes } from '../tasks/task-type.ts';
import type { OpenStep } from './build-steps.ts';
import type { Language } from './language.ts';
import { allTasks } from './task-names.ts';

const LOOP_SUFFIX = /^(.+?)(?:__\d+)+$/;

export function faultsOf(
  definition: WorkflowDefinition,
  steps: ReadonlyMap<string, OpenStep>,
  output: Template,
  types: TaskTypes,
  language: Language,
): FieldError[] {
  const faults: FieldError[] = [];
  const seen = new Set<string>();
  for (const task of allTasks(definition.tasks)) {
    const ref = task.taskReferenceName;
    if (ref.trim() === '') faults.push(fault(task, 'taskReferenceName', 'taskReferenceName must not be blank'));
    if (seen.has(ref)) faults.push(duplicate(definition, ref));
    seen.add(ref);
    types.get(task.type)?.check?.(task, (field, message) => faults.push(fault(task, field, message)));
    if (task.when !== undefined && !language.condition) {
      faults.push(fault(task, 'when', 'only definitions in the ensemble language have conditions: use a SWITCH'));
    }
  }
  faults.push(...looseReferences(steps, output, language), ...loopCollisions(steps));
  return faults;
}

export function fault(task: WorkflowTask, field: string, message: string): FieldError {
  const ref = task.taskReferenceName;
  return { path: `tasks[${ref}].${field}`, message: `${message} (task ${ref})` };
}

function duplicate(definition: WorkflowDefinition, ref: string): FieldError {
  return {
    path: 'tasks.taskReferenceName',
    message: `taskReferenceName: ${ref} should be unique across tasks for a given workflowDefinition: ${definition.name}`,
    invalidValue: ref,
  };
}

/** A dynamic fork makes tasks that no definition names, so beside one an unknown reference may well be real. */
function looseReferences(
  steps: ReadonlyMap<string, OpenStep>,
  output: Template,
  { freeRoots }: Language,
): FieldError[] {
  const all = [...steps.values()];
  if (all.some((step) => step.type === 'FORK_JOIN_DYNAMIC')) return [];
  const isLoose = (root: string) => !freeRoots.has(root) && !steps.has(root);
  const faults: FieldError[] = [];
  for (const step of all) {
    for (const root of new Set([...step.input.roots, ...(step.parameter?.roots ?? [])])) {
      if (isLoose(root)) faults.push(fault(step.task, 'inputParameters', unknownReference(root)));
    }
  }
  for (const root of output.roots) {
    if (isLoose(root)) faults.push({ path: 'outputParameters', message: unknownReference(root) });
  }
  return faults;
}

function unknownReference(root: string): string {
  return `\${${root}…} refers to a taskReferenceName that the definition does not hold; correct it, or write $\${ for a literal`;
}

/** Iterations are told apart by a suffix, so nothing else may look like one. */
function loopCollisions(steps: ReadonlyMap<string, OpenStep>): FieldError[] {
  const faults: FieldError[] = [];
  for (const step of steps.values()) {
    const base = LOOP_SUFFIX.exec(step.ref)?.[1];
    const repeated = base === undefined ? undefined : steps.get(base);
    if (repeated && repeated.depth > 0) {
      faults.push(fault(step.task, 'taskReferenceName', `${step.ref} is what an iteration of ${base} is called`));
    }
  }
  return faults;
}
