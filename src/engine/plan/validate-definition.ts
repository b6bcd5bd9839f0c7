// The answer to "would this definition be accepted, and is it what was meant?". Compiles for the first question and
// compares with what is known for the second.
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';
import { TASK_TYPES } from '../tasks/registry.ts';
import { compilePlan } from './compile.ts';
import type { Plan, Step } from './plan.ts';
import { unknownProperties } from './unknown-properties.ts';

export interface Validation {
  readonly warnings: readonly string[];
}

/**
 * `raw` is the document as it was sent, `definition` what was read from it.
 * Throws AppError('invalid_definition') when it would be refused; otherwise lists what is probably a mistake.
 */
export function validateDefinition(definition: WorkflowDefinition, raw: unknown): Validation {
  const plan = compilePlan(definition, {}, 'validation');
  return { warnings: [...unknownProperties(raw).map(({ message }) => message), ...oddities(plan)] };
}

function oddities(plan: Plan): string[] {
  const warnings: string[] = [];
  for (const step of plan.steps.values()) {
    const odd = oddity(step);
    if (odd) warnings.push(`${step.ref}: ${odd}`);
  }
  return warnings;
}

function oddity(step: Step): string | undefined {
  if (step.type === 'FORK_JOIN' && step.branches.length === 0) return 'the fork has no branches';
  if (step.gathering === 'implicit') {
    return 'no JOIN follows the fork; the run goes on when all branches have ended';
  }
  const { notRun } = TASK_TYPES.get(step.type) ?? {};
  if (notRun !== undefined) return `${notRun}; it fails when its turn comes`;
  if (step.type === 'SIMPLE' && step.task.type !== 'SIMPLE') {
    return `${step.task.type} is not a type that the server runs; workers poll it as ${step.name}`;
  }
  return undefined;
}
