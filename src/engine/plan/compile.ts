// Definition to plan, once per frozen definition. The entry point of plan/: binds the builders to the registered task
// types. Must never be called on a hot path; runs share the plan.
import { AppError, type FieldError } from '../../model/error.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import type { WorkflowDefinition, WorkflowTask } from '../../model/workflow-definition.ts';
import { isTaskType, TASK_TYPES } from '../tasks/registry.ts';
import { markWholeLoops, type OpenStep, StepBuilder } from './build-steps.ts';
import { languageOf } from './language.ts';
import { linkJoins } from './link-joins.ts';
import type { Plan, Step } from './plan.ts';
import { taskDefinitionFaults } from './task-definition-faults.ts';
import { allTasks } from './task-names.ts';
import { fault, faultsOf } from './validate.ts';

export { taskNamesOf } from './task-names.ts';

/**
 * Compiles a definition with the task definitions frozen beside it.
 * Throws AppError('invalid_definition'); `fields` lists every fault, the message names the first.
 */
export function compilePlan(
  definition: WorkflowDefinition,
  taskDefinitions: Readonly<Record<string, TaskDefinition>>,
  snapshotId: string,
): Plan {
  const { plan, faults: own } = judged(definition, taskDefinitions, snapshotId);
  const faults = [...own, ...childFaults(plan.steps)];
  if (faults.length > 0) throw invalid(faults);
  return plan;
}

/** The plan of a definition that was accepted once. Rules that came later must not make its runs unreadable. */
export function compileAccepted(
  definition: WorkflowDefinition,
  taskDefinitions: Readonly<Record<string, TaskDefinition>>,
  snapshotId: string,
): Plan {
  return judged(definition, taskDefinitions, snapshotId).plan;
}

interface Judged {
  readonly plan: Plan;
  readonly faults: readonly FieldError[];
}

function judged(
  definition: WorkflowDefinition,
  taskDefinitions: Readonly<Record<string, TaskDefinition>>,
  snapshotId: string,
): Judged {
  const language = languageOf(definition);
  const builder = new StepBuilder(taskDefinitions, isTaskType, language);
  const head = builder.sequence(definition.tasks, { kind: 'root' }, null);
  if (head === null) throw invalid([{ path: 'tasks', message: 'a definition needs at least one task' }]);
  const { steps } = builder;
  const faults: FieldError[] = [];
  linkJoins(steps, (join, ref, message) => faults.push(fault(join.task, 'joinOn', `${ref} ${message}`)));
  markWholeLoops(steps);
  const output = language.output(definition.outputParameters);
  faults.unshift(...faultsOf(definition, steps, output, TASK_TYPES, language), ...inlineFaults(definition));
  const plan = {
    snapshotId,
    definition,
    taskDefinitions,
    head,
    steps,
    output,
    failureWorkflow: definition.failureWorkflow ? language.template(definition.failureWorkflow) : null,
    dynamicForks: dynamicForks(steps),
  };
  return { plan, faults };
}

function dynamicForks(steps: ReadonlyMap<string, OpenStep>): readonly Step[] {
  return [...steps.values()].filter((step) => step.type === 'FORK_JOIN_DYNAMIC');
}

function inlineFaults(definition: WorkflowDefinition): FieldError[] {
  const faults: FieldError[] = [];
  for (const task of allTasks(definition.tasks)) {
    if (task.taskDefinition) faults.push(...inlineFaultsOf(task, { ...task.taskDefinition, name: task.name }));
  }
  return faults;
}

/** What a definition written inside this one would be refused for, when its run starts. */
function childFaults(steps: ReadonlyMap<string, Step>): FieldError[] {
  const faults: FieldError[] = [];
  for (const { ref, type, inlineDefinition } of steps.values()) {
    if (type !== 'SUB_WORKFLOW' || !inlineDefinition) continue;
    try {
      compilePlan(inlineDefinition, {}, 'check');
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      for (const { path, message } of error.fields) {
        const at = `tasks[${ref}].subWorkflowParam.workflowDefinition.${path}`;
        faults.push({ path: at, message: `${message}, in the definition inside ${ref}` });
      }
    }
  }
  return faults;
}

function inlineFaultsOf(task: WorkflowTask, inline: TaskDefinition): FieldError[] {
  return taskDefinitionFaults(inline).map(({ path, message }) => fault(task, `taskDefinition.${path}`, message));
}

function invalid(faults: readonly FieldError[]): AppError {
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new AppError('invalid_definition', `${faults[0]?.message ?? 'The definition is not valid'}${more}`, faults);
}
