// A definition tried out in memory: what workers, people and children would answer is told beforehand, and time passes
// by itself where only the engine waits for it. Writes nothing, hands out nothing, starts nothing. Must never hold the
// process: it yields after every decision, and makes a bounded number of them.
import { decide } from '../engine/decide/decide.ts';
import type { ChildStart, DecideContext, RunEvent, RunState } from '../engine/decide/decision.ts';
import { applyDecision, indexRun, newRun } from '../engine/decide/run-state.ts';
import type { Plan } from '../engine/plan/plan.ts';
import { AppError } from '../model/error.ts';
import { Json, type JsonObject } from '../model/json.ts';
import type { Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import { isTerminal, type TaskStatus } from '../model/task-status.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import { UNFILLED } from './unfilled.ts';

/** What attempts of a task will answer, in turn. */
export interface Answer {
  readonly status: TaskStatus;
  readonly output: JsonObject;
}

export interface Simulation {
  readonly definition: WorkflowDefinition;
  readonly input: JsonObject;
  readonly correlationId: string | null;
  /** By reference name, with or without the suffix of an iteration. */
  readonly answers: Readonly<Record<string, readonly Answer[]>>;
  /** What is told of a SUB_WORKFLOW's child, by the task's reference name. */
  readonly children: Readonly<Record<string, Tried>>;
}

/** A child may follow another definition than the one it names. */
export interface Tried extends Omit<Simulation, 'definition' | 'input'> {
  readonly definition: WorkflowDefinition | null;
}

export interface SimulatePorts {
  readonly context: Omit<DecideContext, 'now'>;
  readonly plan: (definition: WorkflowDefinition) => Plan;
  readonly definition: (name: string, version: number | null) => WorkflowDefinition | null;
  readonly now: number;
}

export interface Simulated {
  readonly plan: Plan;
  readonly state: RunState;
}

/** Decisions, and the tasks that they make. */
const STEPS_MAX = 10_000;
const DEPTH_MAX = 20;
const NOTHING_TOLD: Tried = { definition: null, correlationId: null, answers: {}, children: {} };

/** As far as it goes with what was told. Throws AppError invalid_definition, or invalid_request for one that never ends. */
export async function simulateRun(ports: SimulatePorts, simulation: Simulation): Promise<Simulated> {
  const budget = { steps: STEPS_MAX };
  return new Trial(ports, simulation, budget, 0).play();
}

class Trial {
  readonly #ports: SimulatePorts;
  readonly #simulation: Simulation;
  readonly #budget: { steps: number };
  readonly #depth: number;
  readonly #plan: Plan;
  readonly #answers: Map<string, Answer[]>;
  readonly #children = new Map<number, ChildStart>();
  /** Tasks that something may be told of: looked at once, unless they are put off. */
  #fresh: Task[] = [];
  #state: RunState;
  #now: number;
  #rowId = 1;

  constructor(ports: SimulatePorts, simulation: Simulation, budget: { steps: number }, depth: number) {
    this.#ports = ports;
    this.#simulation = simulation;
    this.#budget = budget;
    this.#depth = depth;
    this.#now = ports.now;
    this.#plan = ports.plan(simulation.definition);
    this.#answers = new Map(Object.entries(simulation.answers).map(([ref, answers]) => [ref, [...answers]]));
    const run = newRun(this.#plan, {
      rowId: this.#rowId,
      id: ports.context.newId(),
      parent: null,
      input: Json.of(simulation.input),
      correlationId: simulation.correlationId,
      priority: 0,
      taskToDomain: {},
      createdBy: null,
      idempotencyKey: null,
      now: this.#now,
    });
    this.#state = indexRun(run, []);
  }

  async play(): Promise<Simulated> {
    await this.#send({ kind: 'start' });
    while (!isRunTerminal(this.#state.run.status)) {
      const task = this.#fresh.shift();
      if (task) await this.#tell(task.rowId);
      else if (!(await this.#wait())) break;
    }
    return { plan: this.#plan, state: this.#state };
  }

  /** False when nothing came of it. */
  async #send(event: RunEvent): Promise<boolean> {
    if (this.#budget.steps <= 0) {
      throw new AppError('invalid_request', `The workflow did not end within ${STEPS_MAX} steps.`);
    }
    // A turn of the event loop between two decisions: others are served meanwhile.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const context = { ...this.#ports.context, now: this.#now, newRowId: () => ++this.#rowId };
    const decision = decide(this.#plan, this.#state, event, context);
    this.#state = applyDecision(this.#state, decision);
    this.#budget.steps -= 1 + decision.inserted.length;
    this.#fresh.push(...decision.inserted);
    for (const effect of decision.effects) {
      if (effect.kind === 'start-run') this.#children.set(effect.start.taskRowId, effect.start);
    }
    return decision.run !== null || decision.inserted.length > 0 || decision.updated.length > 0;
  }

  async #tell(taskRowId: number): Promise<void> {
    const task = this.#state.tasks.get(taskRowId);
    if (!task || isTerminal(task.status)) return;
    const start = this.#children.get(taskRowId);
    const child = Object.hasOwn(this.#simulation.children, task.step)
      ? this.#simulation.children[task.step]
      : undefined;
    const answer = start && child ? undefined : this.#answerTo(task);
    if (answer) await this.#answer(task, answer);
    else if (start) await this.#start(start, child ?? NOTHING_TOLD);
  }

  #answerTo({ ref, step }: Task): Answer | undefined {
    return this.#answers.get(ref)?.shift() ?? this.#answers.get(step)?.shift();
  }

  async #answer(task: Task, { status, output }: Answer): Promise<void> {
    // A retry waits for its time.
    this.#now = Math.max(this.#now, task.visibleMs);
    if (task.queue !== null) await this.#send({ kind: 'claim', taskRowId: task.rowId, workerId: 'test' });
    const update = { ...UNFILLED, status, output: Json.of(output), workerId: 'test' };
    await this.#send({ kind: 'update', taskRowId: task.rowId, update });
    const after = this.#state.tasks.get(task.rowId);
    if (after && !isTerminal(after.status)) this.#fresh.push(after);
  }

  async #start(start: ChildStart, told: Tried): Promise<void> {
    const { taskRowId, id, name, version, input } = start;
    if (!start.parent) {
      await this.#send({ kind: 'child-started', taskRowId, childId: id });
      return;
    }
    const definition = told.definition ?? start.definition ?? this.#ports.definition(name, version);
    if (!definition || this.#depth === DEPTH_MAX) {
      const reason = definition ? `Workflows nest deeper than ${DEPTH_MAX}` : `No such workflow defined. name=${name}`;
      await this.#send({ kind: 'child-refused', taskRowId, reason });
      return;
    }
    await this.#send({ kind: 'child-started', taskRowId, childId: id });
    const simulation = { ...told, definition, input, correlationId: start.correlationId };
    const ports = { ...this.#ports, now: this.#now };
    const { state } = await new Trial(ports, simulation, this.#budget, this.#depth + 1).play();
    const { status, output, reason, endedMs } = state.run;
    this.#now = Math.max(this.#now, endedMs);
    const child = { id, status, output: output.object, reason };
    if (isRunTerminal(status)) await this.#send({ kind: 'child-ended', taskRowId, child });
  }

  /** The next instant that only the engine waits for; false when there is none. A worker that says nothing is no delay. */
  async #wait(): Promise<boolean> {
    let next: Task | undefined;
    for (const task of this.#state.tasks.values()) {
      const waits = task.queue === null && task.dueMs > 0 && !isTerminal(task.status);
      if (waits && (!next || task.dueMs < next.dueMs)) next = task;
    }
    if (!next) return false;
    this.#now = Math.max(this.#now, next.dueMs);
    return this.#send({ kind: 'timer', taskRowId: next.rowId });
  }
}
