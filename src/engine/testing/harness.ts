// A run in memory with counted ids and a clock that tests move: drives `decide` and nothing else. After every event it
// checks what must hold in any run, so that every test is also a test of that.
import { Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import { type TaskDefinition, taskDefinitionSchema } from '../../model/task-definition.ts';
import { isTerminal, type TaskStatus } from '../../model/task-status.ts';
import { workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { applyDecision, decide, indexRun, newRun } from '../decide/decide.ts';
import type {
  DecideContext,
  Decision,
  Effect,
  RunEvent,
  RunState,
  ScriptResult,
  TaskUpdate,
} from '../decide/decision.ts';
import { replayFrom } from '../decide/replay.ts';
import { compilePlan } from '../plan/compile.ts';
import type { Plan } from '../plan/plan.ts';

export interface HarnessOptions {
  readonly input?: JsonObject;
  readonly taskDefinitions?: readonly unknown[];
  /** Known to the server, though the definition does not mention them. */
  readonly registered?: readonly unknown[];
  readonly taskToDomain?: Readonly<Record<string, string>>;
  readonly domainOf?: DecideContext['domainOf'];
  readonly random?: () => number;
  /** Off for runs so wide that looking at every task after every event would take long. */
  readonly checks?: boolean;
}

export const START_MS = 1_000_000;

/** What a test reports; the rest is what workers usually say. */
export type Report = Partial<Omit<TaskUpdate, 'output'>> & { readonly output?: JsonObject };

export class Harness {
  readonly plan: Plan;
  readonly effects: Effect[] = [];
  readonly #options: HarnessOptions;
  readonly #registered: Readonly<Record<string, TaskDefinition>>;
  readonly #attempts = new Set<string>();
  #rowId = 0;
  #id = 0;
  state: RunState;
  nowMs = START_MS;
  /** Of a run that is made from here on. */
  input: JsonObject;

  constructor(definition: unknown, options: HarnessOptions = {}) {
    this.#options = options;
    this.input = options.input ?? {};
    this.#registered = byName(options.registered ?? []);
    const parsed = workflowDefinitionSchema.parse({ name: 'test', ...asObject(definition) });
    this.plan = compilePlan(parsed, byName(options.taskDefinitions ?? []), 'snapshot-1');
    this.state = indexRun(this.#newRun(1), []);
  }

  get run(): Run {
    return this.state.run;
  }

  start(): this {
    this.send({ kind: 'start' });
    return this;
  }

  send(event: RunEvent): Decision {
    const decision = decide(this.plan, this.state, event, this.#context());
    for (const task of decision.inserted) {
      const key = `${task.ref}#${task.attempt}`;
      if (this.#attempts.has(key)) throw new Error(`${key} was scheduled twice`);
      this.#attempts.add(key);
    }
    this.state = applyDecision(this.state, decision);
    this.effects.push(...decision.effects);
    if (this.#options.checks !== false) this.#check();
    return decision;
  }

  /** Begins the run anew, from a task of it on; throws where it cannot. */
  rerun(ref: string, input: JsonObject | null = null): this {
    const again = { input: input && Json.of(input), resumesChild: false };
    const replay = replayFrom(this.plan, this.state, this.task(ref), this.#context(), again);
    if (typeof replay === 'string') throw new Error(replay);
    this.#attempts.clear();
    this.state = indexRun(this.#newRun(this.run.rowId + 1), []);
    this.send({ kind: 'start', replay });
    return this;
  }

  /** Loads the run again from what a store would have kept: nothing may live in memory alone. */
  reload(): void {
    const tasks = [...this.state.tasks.values()].sort((a, b) => a.rowId - b.rowId);
    this.state = indexRun(this.state.run, structuredTasks(tasks));
  }

  /** The latest attempt of a reference; throws when there is none. */
  task(ref: string): Task {
    const task = this.state.latest.get(ref);
    if (!task) throw new Error(`no task ${ref}; there are ${[...this.state.latest.keys()].join(', ')}`);
    return task;
  }

  has(ref: string): boolean {
    return this.state.latest.has(ref);
  }

  tasks(): Task[] {
    return [...this.state.tasks.values()];
  }

  open(): Task[] {
    return this.tasks().filter((task) => !isTerminal(task.status));
  }

  /** What a worker of a queue could take now, oldest first. */
  ready(queue?: string): Task[] {
    return this.open().filter(
      (task) =>
        task.status === 'SCHEDULED' &&
        task.queue !== null &&
        (queue === undefined || task.queue === queue) &&
        task.visibleMs <= this.nowMs,
    );
  }

  poll(queue: string, workerId = 'worker-1'): Task | undefined {
    const task = this.ready(queue)[0];
    if (!task) return undefined;
    this.claim(task, workerId);
    return this.state.tasks.get(task.rowId);
  }

  claim(task: Task, workerId = 'worker-1'): Decision {
    return this.send({ kind: 'claim', taskRowId: task.rowId, workerId });
  }

  update(ref: string, update: Report): Decision {
    return this.report(this.task(ref), update);
  }

  report(task: Task, update: Report): Decision {
    const whole: TaskUpdate = {
      status: 'COMPLETED',
      reason: null,
      workerId: 'worker-1',
      callbackAfterSeconds: 0,
      extendLease: false,
      ...update,
      output: Json.of(update.output ?? {}),
    };
    return this.send({ kind: 'update', taskRowId: task.rowId, update: whole });
  }

  /** Polls the reference's task where it is ready, and completes it. */
  complete(ref: string, output: JsonObject = {}): Decision {
    this.#take(ref);
    return this.update(ref, { output });
  }

  fail(ref: string, reason = 'broken', status: TaskStatus = 'FAILED'): Decision {
    this.#take(ref);
    return this.update(ref, { status, reason });
  }

  /** Lets time pass; every timer on the way fires at its instant. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let fired = 0; ; fired += 1) {
      const next = this.nextDue();
      if (!next || next.atMs > untilMs) break;
      if (fired > 100_000) throw new Error('timers fire without end');
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.send({ kind: 'timer', taskRowId: next.taskRowId });
    }
    this.nowMs = untilMs;
  }

  nextDue(): { readonly atMs: number; readonly taskRowId: number } | undefined {
    if (isRunTerminal(this.run.status)) return undefined;
    let next = this.run.dueMs > 0 ? { atMs: this.run.dueMs, taskRowId: 0 } : undefined;
    for (const { dueMs, rowId } of this.open()) {
      if (dueMs > 0 && (!next || dueMs < next.atMs)) next = { atMs: dueMs, taskRowId: rowId };
    }
    return next;
  }

  statuses(): Record<string, TaskStatus> {
    return Object.fromEntries([...this.state.latest].map(([ref, task]) => [ref, task.status]));
  }

  #newRun(rowId: number): Run {
    return newRun(this.plan, {
      rowId,
      id: 'run-1',
      parent: null,
      input: Json.of(this.input),
      correlationId: null,
      priority: 0,
      taskToDomain: this.#options.taskToDomain ?? {},
      createdBy: null,
      idempotencyKey: null,
      now: this.nowMs,
    });
  }

  #take(ref: string): void {
    const task = this.task(ref);
    if (task.status === 'SCHEDULED' && task.queue !== null) this.claim(task);
  }

  #context(): DecideContext {
    const { domainOf, random } = this.#options;
    return {
      now: this.nowMs,
      newRowId: () => ++this.#rowId,
      newId: () => `id-${++this.#id}`,
      random: random ?? (() => 0),
      domainOf: domainOf ?? (() => null),
      taskDefinition: (name) => (Object.hasOwn(this.#registered, name) ? this.#registered[name] : undefined),
      script: runScript,
    };
  }

  #check(): void {
    const open = this.open();
    if (open.length !== this.run.openTasks) {
      throw new Error(`openTasks is ${this.run.openTasks}, but ${open.length} tasks are open`);
    }
    for (const task of this.state.tasks.values()) {
      if (task.waiting < 0) throw new Error(`${task.ref} waits for ${task.waiting}`);
      if (isTerminal(task.status) && task.dueMs !== 0) throw new Error(`${task.ref} is over and still due`);
    }
    if (isRunTerminal(this.run.status) && open.length > 0) throw new Error('the run is over and has open tasks');
  }
}

/** Trusted test scripts only: an expression over `$`, or `throw …`. */
export function runScript(source: string, input: JsonValue): ScriptResult {
  try {
    const body = source.startsWith('throw ') ? source : `return (${source});`;
    const value: JsonValue | undefined = new Function('$', body)(input);
    return { ok: true, value: value ?? null };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

function structuredTasks(tasks: readonly Task[]): Task[] {
  const again = (json: Json) => Json.text(json.text);
  return tasks.map((task) => ({
    ...task,
    input: again(task.input),
    output: again(task.output),
    fragment: task.fragment && again(task.fragment),
  }));
}

function byName(definitions: readonly unknown[]): Record<string, TaskDefinition> {
  const parsed = definitions.map((definition) => taskDefinitionSchema.parse(definition));
  return Object.fromEntries(parsed.map((definition) => [definition.name, definition]));
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
