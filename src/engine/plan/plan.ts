// The shape of a compiled definition. A plan is made once per frozen definition and shared by all of its runs:
// successor pointers instead of tree walks, compiled templates instead of parsing. Must never hold run state.
import type { Condition } from '../../expressions/ensemble/condition.ts';
import type { Template } from '../../expressions/template.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import type { WorkflowDefinition, WorkflowTask } from '../../model/workflow-definition.ts';

export interface Plan {
  readonly snapshotId: string;
  readonly definition: WorkflowDefinition;
  readonly taskDefinitions: Readonly<Record<string, TaskDefinition>>;
  readonly head: Step;
  /** Every step of the definition, nested ones too, by taskReferenceName. */
  readonly steps: ReadonlyMap<string, Step>;
  readonly output: Template;
  /** Name of the workflow to start when a run fails, or null. */
  readonly failureWorkflow: Template | null;
  readonly dynamicForks: readonly Step[];
}

/** Where a step's sequence stands: what happens when the last step of the sequence is done. */
export type Container =
  | { readonly kind: 'root' }
  | { readonly kind: 'branch'; readonly fork: Step }
  | { readonly kind: 'case'; readonly owner: Step }
  | { readonly kind: 'loop'; readonly owner: Step }
  /** Root of a dynamic branch; its fork is found through Task.forkRowId. */
  | { readonly kind: 'dynamic' };

export interface Step {
  readonly ref: string;
  readonly name: string;
  /** The definition's type, with aliases folded (DYNAMIC_FORK_JOIN -> FORK_JOIN_DYNAMIC); unknown types are SIMPLE. */
  readonly type: string;
  readonly task: WorkflowTask;
  /** Retry, timeout and rate rules in force: task definition, inline definition and per-step retryCount folded in. */
  readonly rules: TaskDefinition;
  readonly input: Template;
  /** False at its turn: the task is SKIPPED. */
  readonly when: Condition | null;
  readonly container: Container;
  readonly next: Step | null;
  /** How many loops enclose it. */
  readonly depth: number;
  /** Heads of FORK_JOIN branches. */
  readonly branches: readonly Step[];
  /** Heads of SWITCH cases by value; null for a matched empty list. */
  readonly cases: ReadonlyMap<string, Step | null>;
  readonly defaultCase: Step | null;
  /** Head of a DO_WHILE body. */
  readonly body: Step | null;
  /** References a static JOIN waits for. */
  readonly joinOn: readonly string[];
  /** JOIN steps that wait for this reference. */
  readonly joins: readonly Step[];
  /** JSON text of the wire's `workflowTask`, its task definition embedded; spliced into replies as it is. */
  readonly wireText: string;
  // ---- below: what only the engine reads
  readonly sequence: Sequence;
  /** The task definition's inputTemplate: fills input keys that resolved to null. */
  readonly fallback: Template | null;
  /** The type's own expressions: subWorkflowParam of a SUB_WORKFLOW, items of a DO_WHILE, sink of an EVENT. */
  readonly parameter: Template | null;
  /** A definition written into subWorkflowParam. */
  readonly inlineDefinition: WorkflowDefinition | null;
  /** How a fork's branches are gathered; null where the step is no fork. */
  readonly gathering: Gathering | null;
  /** On a JOIN: the fork right before it. */
  readonly fork: Step | null;
  /** On a JOIN: the steps it counts down, each once. A dynamic fork's JOIN counts branches instead. */
  readonly anchors: readonly Step[];
  /** On a DO_WHILE: every step of its body that no inner loop repeats. */
  readonly loopSteps: readonly Step[];
  /** Loops whose whole output the input reads, not merely `iteration`, `loopIndex` or `loopItem`. */
  readonly wholeLoops: ReadonlySet<string>;
}

/**
 * joined: the JOIN right after it waits for the end of every branch.
 * partial: that JOIN waits for less, so the enclosing sequence must wait for the rest.
 * implicit: no JOIN follows; the run goes on when all branches ended.
 */
export type Gathering = 'joined' | 'partial' | 'implicit';

/** Steps that follow each other. */
export interface Sequence {
  readonly container: Container;
  readonly steps: readonly Step[];
  /** Forks of this sequence whose JOIN waits for less than all of their branches. */
  readonly partialForks: readonly Step[];
}
