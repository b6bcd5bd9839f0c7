// Steps that only a run knows: the branches of a dynamic fork. Compiled one by one, when first looked at, and cached
// with the JSON that the branch's tasks share, so the cache lives exactly as long as they do.
import type { Json, JsonObject, JsonValue } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import { type WorkflowTask, workflowTaskSchema } from '../../model/workflow-definition.ts';
import { markWholeLoops, StepBuilder } from './build-steps.ts';
import { linkJoins } from './link-joins.ts';
import type { Container, Plan, Step } from './plan.ts';
import type { TaskDefinitions } from './rules.ts';

export interface Fragment {
  readonly root: Step;
  /** Every step of the branch, nested ones too, by taskReferenceName. */
  readonly steps: ReadonlyMap<string, Step>;
}

export type IsKnownType = (type: string) => boolean;

const CONTAINER: Container = { kind: 'dynamic' };
const compiled = new WeakMap<Json, Fragment>();

/** Compiles the root of a dynamic branch. `faults` collects what is wrong with it. */
export function buildFragment(
  task: WorkflowTask,
  definitions: TaskDefinitions,
  isKnown: IsKnownType,
  faults: string[] = [],
): Fragment {
  const builder = new StepBuilder(definitions, isKnown);
  const root = builder.sequence([task], CONTAINER, null);
  if (root === null) throw new TypeError('a dynamic branch has one root');
  if (builder.steps.size > 1 || root.type === 'JOIN') {
    linkJoins(builder.steps, (join, ref, message) => faults.push(`JOIN ${join.ref}: ${ref} ${message}`));
    markWholeLoops(builder.steps);
  }
  return { root, steps: builder.steps };
}

export function rememberFragment(document: Json, fragment: Fragment): void {
  compiled.set(document, fragment);
}

/** The compiled form of a stored branch; compiled again after a restart. Throws ZodError on JSON that was never stored by us. */
export function fragmentOf(document: Json, definitions: TaskDefinitions, isKnown: IsKnownType): Fragment {
  const known = compiled.get(document);
  if (known) return known;
  const fragment = buildFragment(workflowTaskSchema.parse(document.value), definitions, isKnown);
  compiled.set(document, fragment);
  return fragment;
}

/** The step a task is an attempt of. Undefined for a task of another definition. */
export function findStep(plan: Plan, task: Task, isKnown: IsKnownType): Step | undefined {
  if (task.fragment === null) return plan.steps.get(task.step);
  return fragmentOf(task.fragment, plan.taskDefinitions, isKnown).steps.get(task.step);
}

/**
 * Reads the branches of one fork. Thousands of branches differ in reference and input alone: what is left is parsed once
 * per kind.
 */
export class BranchParser {
  readonly #kinds = new Map<string, WorkflowTask>();

  /** Undefined when it is no WorkflowTask. */
  parse(raw: JsonObject): WorkflowTask | undefined {
    const { taskReferenceName, inputParameters, ...kind } = raw;
    if (typeof taskReferenceName !== 'string' || taskReferenceName === '') return undefined;
    const key = JSON.stringify(kind);
    const parsed = this.#kinds.get(key) ?? this.#kind({ ...kind, taskReferenceName });
    if (!parsed) return undefined;
    this.#kinds.set(key, parsed);
    return { ...parsed, taskReferenceName, inputParameters: objectOr(inputParameters) };
  }

  #kind(raw: JsonObject): WorkflowTask | undefined {
    const parsed = workflowTaskSchema.safeParse(raw);
    return parsed.success ? parsed.data : undefined;
  }
}

function objectOr(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
