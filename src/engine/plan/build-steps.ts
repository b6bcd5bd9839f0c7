// Turns WorkflowTasks into linked steps: successors, containers, compiled templates. Knows nothing of any task type but
// which properties hold nested steps; must never judge a definition (validate.ts does).
import type { Condition } from '../../expressions/ensemble/condition.ts';
import type { Template } from '../../expressions/template.ts';
import type { JsonObject } from '../../model/json.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import {
  type WorkflowDefinition,
  type WorkflowTask,
  workflowDefinitionSchema,
} from '../../model/workflow-definition.ts';
import { CONDUCTOR, type Language } from './language.ts';
import type { Container, Gathering, Sequence, Step } from './plan.ts';
import { registeredRules, rulesFor, type TaskDefinitions } from './rules.ts';

const NO_STEPS: Step[] = [];
const NO_CASES: ReadonlyMap<string, Step | null> = new Map();
const NO_NAMES: ReadonlySet<string> = new Set();
const SMALL_LOOP_OUTPUT = String.raw`\.output\.(?:iteration|loopIndex|loopItem)\b`;

export interface OpenSequence extends Sequence {
  readonly steps: OpenStep[];
  readonly partialForks: OpenStep[];
}

/** A step while it is being built. Afterwards only `Step`, its read-only face, is handed out. */
export class OpenStep implements Step {
  readonly ref: string;
  readonly name: string;
  readonly type: string;
  readonly task: WorkflowTask;
  readonly rules: TaskDefinition;
  readonly input: Template;
  readonly when: Condition | null;
  readonly fallback: Template | null;
  readonly sequence: OpenSequence;
  readonly depth: number;
  /** Position in its sequence. */
  readonly index: number;
  readonly loopSteps: Step[];
  readonly #definition: TaskDefinition | undefined;
  #wireText: string | undefined;
  next: OpenStep | null = null;
  branches: readonly Step[] = NO_STEPS;
  cases: ReadonlyMap<string, Step | null> = NO_CASES;
  defaultCase: Step | null = null;
  body: Step | null = null;
  joinOn: readonly string[] = [];
  joins: readonly Step[] = NO_STEPS;
  parameter: Template | null = null;
  inlineDefinition: WorkflowDefinition | null = null;
  gathering: Gathering | null = null;
  fork: Step | null = null;
  anchors: readonly Step[] = NO_STEPS;
  wholeLoops = NO_NAMES;

  constructor(builder: StepBuilder, task: WorkflowTask, sequence: OpenSequence, depth: number) {
    this.ref = task.taskReferenceName;
    this.name = task.name;
    this.type = builder.isKnown(task.type) ? task.type : 'SIMPLE';
    this.task = task;
    this.sequence = sequence;
    this.depth = depth;
    this.index = sequence.steps.length;
    this.loopSteps = this.type === 'DO_WHILE' ? [] : NO_STEPS;
    const registered = registeredRules(task, builder.definitions);
    const rules = rulesFor(task, registered, this.type === 'SIMPLE');
    const hasTemplate = Object.keys(rules.inputTemplate).length > 0;
    this.rules = rules;
    const { language } = builder;
    this.input = language.template(
      hasTemplate ? { ...rules.inputTemplate, ...task.inputParameters } : task.inputParameters,
    );
    this.when = task.when !== undefined && language.condition ? language.condition(task.when) : null;
    this.fallback = hasTemplate ? language.template(rules.inputTemplate) : null;
    this.#definition = this.type === 'SIMPLE' ? rules : registered;
  }

  get container(): Container {
    return this.sequence.container;
  }

  /** Made when somebody first asks: of most branches of a wide dynamic fork nobody does. */
  get wireText(): string {
    this.#wireText ??= JSON.stringify(
      this.#definition ? { ...this.task, taskDefinition: this.#definition } : this.task,
    );
    return this.#wireText;
  }
}

/** Builds one tree of steps and keeps them by reference. The first of two equal references wins. */
export class StepBuilder {
  readonly steps = new Map<string, OpenStep>();
  readonly definitions: TaskDefinitions;
  readonly isKnown: (type: string) => boolean;
  readonly language: Language;

  constructor(definitions: TaskDefinitions, isKnown: (type: string) => boolean, language: Language = CONDUCTOR) {
    this.definitions = definitions;
    this.isKnown = isKnown;
    this.language = language;
  }

  /** Null for an empty list. */
  sequence(tasks: readonly WorkflowTask[], container: Container, loop: OpenStep | null): OpenStep | null {
    const sequence: OpenSequence = { container, steps: [], partialForks: [] };
    let previous: OpenStep | null = null;
    for (const task of tasks) {
      const step = new OpenStep(this, task, sequence, loop ? loop.depth + 1 : 0);
      sequence.steps.push(step);
      if (!this.steps.has(step.ref)) this.steps.set(step.ref, step);
      if (previous) previous.next = step;
      previous = step;
      loop?.loopSteps.push(step);
      this.#nested(step, task, loop);
    }
    return sequence.steps[0] ?? null;
  }

  #nested(step: OpenStep, task: WorkflowTask, loop: OpenStep | null): void {
    if (step.type === 'FORK_JOIN') {
      step.branches = task.forkTasks
        .map((branch) => this.sequence(branch, { kind: 'branch', fork: step }, loop))
        .filter((head) => head !== null);
    }
    if (step.type === 'SWITCH' || step.type === 'DECISION') {
      const inCase = { kind: 'case', owner: step } as const;
      const cases = Object.entries(task.decisionCases);
      step.cases = new Map(cases.map(([value, tasks]) => [value, this.sequence(tasks, inCase, loop)]));
      step.defaultCase = this.sequence(task.defaultCase, inCase, loop);
    }
    if (step.type === 'DO_WHILE') {
      step.body = this.sequence(task.loopOver, { kind: 'loop', owner: step }, step);
      if (task.items !== undefined) step.parameter = this.language.template(task.items);
    }
    if (step.type === 'EVENT') step.parameter = this.language.template(task.sink ?? '');
    if (task.subWorkflowParam) this.#subWorkflow(step, task.subWorkflowParam);
  }

  /** An inline definition's own expressions belong to the child: only a whole-string expression is ours to resolve. */
  #subWorkflow(step: OpenStep, param: NonNullable<WorkflowTask['subWorkflowParam']>): void {
    const { workflowDefinition, ...rest } = param;
    const document: JsonObject = {};
    for (const [key, value] of Object.entries(rest)) if (value !== undefined) document[key] = value;
    if (typeof workflowDefinition === 'string') document.workflowDefinition = workflowDefinition;
    else if (workflowDefinition) {
      const parsed = workflowDefinitionSchema.safeParse(workflowDefinition);
      step.inlineDefinition = parsed.success ? parsed.data : null;
    }
    step.parameter = this.language.template(document);
  }
}

/** Finds inputs that need a loop's whole output. Building that for every iteration would cost O(N²) over a loop. */
export function markWholeLoops(steps: ReadonlyMap<string, OpenStep>): void {
  const loops = [...steps.values()].filter((step) => step.type === 'DO_WHILE').map((step) => step.ref);
  if (loops.length === 0) return;
  for (const step of steps.values()) {
    const read = loops.filter((ref) => step.input.roots.has(ref) || step.parameter?.roots.has(ref));
    if (read.length > 0) step.wholeLoops = new Set(read.filter((ref) => readsWhole(step.task, ref)));
  }
}

function readsWhole(task: WorkflowTask, ref: string): boolean {
  const text = JSON.stringify([task.inputParameters, task.items, task.subWorkflowParam, task.taskDefinition]);
  const quoted = ref.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const mentions = text.match(new RegExp(String.raw`\$\{\s*${quoted}\b`, 'g'))?.length ?? 0;
  const small = text.match(new RegExp(String.raw`\$\{\s*${quoted}${SMALL_LOOP_OUTPUT}`, 'g'))?.length ?? 0;
  return mentions === 0 || mentions !== small;
}
