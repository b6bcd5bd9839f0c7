// A run that goes on in memory, step after step, as long as it needs nothing but workers of this process. Owns no store:
// whoever plays it writes what came of it, or cannot let it wait. Must never touch a run that anybody else knows of.
import { decide } from '../engine/decide/decide.ts';
import type { DecideContext, Effect, RunEvent, RunState } from '../engine/decide/decision.ts';
import { applyDecision, indexRun, newRun, outputsOf } from '../engine/decide/run-state.ts';
import { stepOf } from '../engine/plan/fragments.ts';
import type { Plan } from '../engine/plan/plan.ts';
import { AppError } from '../model/error.ts';
import { Json, type JsonObject } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import { isTerminal } from '../model/task-status.ts';
import { failedBy } from './in-process.ts';
import { literalsOf } from './literals.ts';
import type { Clock, InProcessResult, InProcessWorker, RunHooks } from './ports.ts';
import { reported } from './reported.ts';
import { Stopper } from './stop.ts';

export interface MemoryRunPorts {
  readonly clock: Clock;
  readonly context: Omit<DecideContext, 'now'>;
  readonly newRunRowId: () => number;
  readonly workers: ReadonlyMap<string, InProcessWorker>;
  readonly hooks: Pick<RunHooks, 'conceal' | 'concealText'>;
  readonly payloadBytesMax: number;
}

export interface MemoryRunSeed {
  readonly id: string;
  readonly input: JsonObject;
  readonly variables: JsonObject;
  readonly createdBy: string | null;
}

/** What tasks that ran in memory say of their worker. */
const WORKER_ID = 'server';

export class MemoryRun {
  readonly plan: Plan;
  readonly effects: Effect[] = [];
  readonly #ports: MemoryRunPorts;
  /** SCHEDULED, or held open by somebody outside: not begun here. */
  readonly #waiting = new Map<number, Task>();
  readonly #stop = new Stopper();
  /** Results that are there, of tasks that were begun together: all begin before the first is taken. */
  readonly #results: { readonly task: Task; readonly result: InProcessResult }[] = [];
  #running = 0;
  #wake = (): void => undefined;
  #state: RunState;
  /** Decisions of one run follow each other, so they share it: only the time differs. */
  readonly #context: Omit<DecideContext, 'now'> & { now: number };

  /** Throws AppError payload_too_large. */
  constructor(ports: MemoryRunPorts, plan: Plan, seed: MemoryRunSeed) {
    this.#ports = ports;
    this.plan = plan;
    this.#context = { ...ports.context, now: 0 };
    this.#state = indexRun(this.#newRun(seed), []);
  }

  get state(): RunState {
    return this.#state;
  }

  get ended(): boolean {
    return isRunTerminal(this.#state.run.status);
  }

  /** Until the run has ended, or needs what is not in this process. Never rejects: a failure is the run's. */
  async play(): Promise<void> {
    this.#apply({ kind: 'start' });
    while (!this.#goOn()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** As far as it goes at once. False: a step is under way that has to be waited for. */
  #goOn(): boolean {
    while (!this.ended) {
      if (!this.#needsOthers()) for (const task of [...this.#waiting.values()]) this.#begin(task);
      if (this.#results.length === 0) return this.#running === 0;
      for (const { task, result } of this.#results.splice(0)) this.#finished(task, result);
    }
    // Somebody may still work on a task of a run that has failed meanwhile.
    if (this.#running > 0) this.#stop.stop();
    return true;
  }

  #newRun({ id, input, variables, createdBy }: MemoryRunSeed): Run {
    const { hooks, payloadBytesMax, newRunRowId, clock } = this.#ports;
    const concealed = hooks.conceal(Json.of(input), id);
    if (concealed.text.length > payloadBytesMax) {
      throw new AppError('payload_too_large', `The input has more than ${payloadBytesMax} bytes.`);
    }
    return newRun(this.plan, {
      id,
      createdBy,
      variables,
      input: concealed,
      rowId: newRunRowId(),
      now: clock.now(),
      parent: null,
      correlationId: null,
      priority: 0,
      taskToDomain: {},
      idempotencyKey: null,
    });
  }

  #apply(event: RunEvent): void {
    this.#context.now = this.#ports.clock.now();
    const decision = decide(this.plan, this.#state, event, this.#context);
    this.#state = applyDecision(this.#state, decision);
    if (decision.effects.length > 0) this.effects.push(...decision.effects);
    for (const task of decision.inserted) this.#note(task);
    for (const task of decision.updated) this.#note(task);
  }

  #note(task: Task): void {
    const begun = task.status === 'IN_PROGRESS' && task.workerId === WORKER_ID;
    if (begun || isTerminal(task.status)) this.#waiting.delete(task.rowId);
    else this.#waiting.set(task.rowId, task);
  }

  #needsOthers(): boolean {
    if (this.effects.length > 0 || this.#state.run.status !== 'RUNNING') return true;
    for (const task of this.#waiting.values()) if (!this.#isOurs(task)) return true;
    return false;
  }

  #isOurs(task: Task): boolean {
    const { clock, context, workers } = this.#ports;
    const step = stepOf(this.plan, task);
    if (!step || task.queue === null || task.status !== 'SCHEDULED' || task.visibleMs > clock.now()) return false;
    // Limits are counted, and vault keys filled in, where tasks are handed out.
    if (!workers.has(task.queue) || context.taskDefinition?.(task.defName)) return false;
    for (const literal of literalsOf(step)) if (literal.includes('workflow.vault.')) return false;
    return true;
  }

  #begin(task: Task): void {
    const worker = this.#ports.workers.get(task.queue ?? '');
    if (!worker) return;
    this.#apply({ kind: 'claim', taskRowId: task.rowId, workerId: WORKER_ID });
    const claimed = this.#state.tasks.get(task.rowId);
    if (claimed?.status !== 'IN_PROGRESS') return;
    const done = (result: InProcessResult) => this.#results.push({ task: claimed, result });
    try {
      const given = worker.execute(claimed, this.#state.run, claimed.input, this.#stop, () => outputsOf(this.#state));
      if (given instanceof Promise) this.#await(given, done);
      else done(given);
    } catch (error) {
      done(failedBy(error));
    }
  }

  #await(given: Promise<InProcessResult>, done: (result: InProcessResult) => void): void {
    this.#running += 1;
    const ended = (result: InProcessResult) => {
      this.#running -= 1;
      done(result);
      this.#wake();
    };
    void given.then(ended, (error: unknown) => ended(failedBy(error)));
  }

  #finished({ rowId }: Task, result: InProcessResult): void {
    const { run } = this.#state;
    if (this.ended) return;
    const update = reported(this.#ports, result, run.rootId, WORKER_ID);
    this.#apply({ kind: 'update', taskRowId: rowId, update });
  }
}
