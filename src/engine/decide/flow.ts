// How a run moves: tasks are scheduled, end, and lead on to what follows. Works on one draft for one decision. Every
// step here costs the same whatever the size of the run; nothing recurses deeper than the definition nests.
import { ExpressionError } from '../../expressions/ensemble/expression.ts';
import type { Scope, Template } from '../../expressions/template.ts';
import { EMPTY_OBJECT, Json, type JsonValue } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import { isRetriable, isSuccessful, isTerminal } from '../../model/task-status.ts';
import { findStep } from '../plan/build-fragment.ts';
import type { Container, Plan, Sequence, Step } from '../plan/plan.ts';
import { rulesByName } from '../plan/rules.ts';
import { keptReason } from '../tasks/reasons.ts';
import {
  type Ending,
  type Flow,
  type Place,
  placeOf,
  ROOT_PLACE,
  type RunEnding,
  type TaskType,
  type TaskTypes,
} from '../tasks/task-type.ts';
import type { DecideContext, Effect, Replay, RunState } from './decision.ts';
import type { Draft } from './draft.ts';
import { endRun, exhaustedEnding } from './end-run.ts';
import { EnsembleScope } from './ensemble-scope.ts';
import { inputOf, newTask } from './new-task.ts';
import { retryDelayMs } from './retry.ts';
import { RunScope } from './run-scope.ts';
import { isSkippedAhead } from './skip-task.ts';
import { dueMsOf, isTotalSpent, totalReason } from './timeouts.ts';

/** A loop of steps that the engine runs itself yields after this many: a definition may not hold the process. */
const INSERTED_MAX = 1000;

const SKIPPED: Ending = {
  status: 'SKIPPED',
  output: Json.of({ skipped: true, reason: 'condition evaluated to false' }),
};

export class RunFlow implements Flow {
  readonly plan: Plan;
  readonly context: DecideContext;
  readonly types: TaskTypes;
  readonly #draft: Draft;
  readonly #ready: number[] = [];
  /** New tasks that end as soon as their turn comes: a condition that does not hold, an input that cannot be made. */
  #foregone: Map<number, Ending> | undefined;
  /** Tasks that were over before their turn came. */
  #over: Set<number> | undefined;
  #replay: Replay | null = null;
  /** The task from which on a run is done again begins last, when all before it is in place. */
  #held = 0;

  constructor(plan: Plan, draft: Draft, context: DecideContext, types: TaskTypes) {
    this.plan = plan;
    this.context = context;
    this.types = types;
    this.#draft = draft;
  }

  get now(): number {
    return this.context.now;
  }

  get run(): Run {
    return this.#draft.run;
  }

  task(rowId: number): Task | undefined {
    return this.#draft.task(rowId);
  }

  latest(ref: string): Task | undefined {
    return this.#draft.latest(ref);
  }

  latestOfStep(step: string): Task | undefined {
    return this.#draft.latestOfStep(step);
  }

  stepOf(task: Task): Step {
    const step = findStep(this.plan, task, (type) => this.types.has(type));
    if (!step) throw new TypeError(`task ${task.ref} is not of definition ${this.plan.definition.name}`);
    return step;
  }

  typeOf(step: Step, task: Task): TaskType {
    const type = this.types.get(step.type === 'DYNAMIC' ? task.type : step.type) ?? this.types.get('SIMPLE');
    if (!type) throw new TypeError('SIMPLE is not a registered task type');
    return type;
  }

  rulesOf(step: Step, task: Task): TaskDefinition {
    if (step.type !== 'DYNAMIC') return step.rules;
    const { taskDefinitions } = this.plan;
    const name = task.defName;
    const known = Object.hasOwn(taskDefinitions, name) ? taskDefinitions[name] : this.context.taskDefinition?.(name);
    const rules = rulesByName(name, known, this.typeOf(step, task).type === 'SIMPLE');
    return step.task.retryCount === undefined ? rules : { ...rules, retryCount: step.task.retryCount };
  }

  put(task: Task): Task {
    this.#draft.put(task);
    return task;
  }

  patchRun(patch: Partial<Run>): void {
    this.#draft.patchRun(patch);
  }

  emit(effect: Effect): void {
    this.#draft.effects.push(effect);
  }

  get before(): RunState | null {
    return this.#replay?.before ?? null;
  }

  /** To be where it was, a run that starts over needs no more tasks than it had. */
  mayContinue(): boolean {
    return this.#draft.insertedCount < INSERTED_MAX + (this.before?.tasks.size ?? 0);
  }

  resolve(template: Template, place: Place, step: Step | null): JsonValue {
    return template.resolve(this.scope(place, step));
  }

  scope(place: Place, step: Step | null, taskId = ''): Scope {
    return this.plan.definition.expressionLanguage === 'ensemble'
      ? new EnsembleScope(this, place)
      : new RunScope(this, place, step, taskId);
  }

  endRun(ending: RunEnding): void {
    endRun(this, this.#draft, ending);
  }

  schedule(step: Step, place: Place): void {
    // One task per reference and attempt, whatever was asked twice.
    const ref = step.ref + place.scope;
    const known = this.latest(ref);
    const kept = this.#keptOf(step, ref);
    if (known) {
      if (isSkippedAhead(known)) this.#whenOver(this.put({ ...known, startedMs: this.now }));
    } else if (kept) this.#adopt(kept, place);
    else if (this.#replay?.from.resumed && this.#replay.from.ref === ref)
      this.#resume(this.#replay.from.resumed, place);
    else this.#insert(step, place, null, step.task.startDelay * 1000);
  }

  /** What the last life did of it: of a dynamic branch that has become another, nothing. */
  #keptOf(step: Step, ref: string): readonly Task[] | undefined {
    const kept = this.#replay?.kept.get(ref);
    return step.type === 'DYNAMIC' || kept?.at(-1)?.defName === step.name ? kept : undefined;
  }

  /** Starts a run over: what it did is taken as it was, up to the task from which on it is done again. */
  replay(replay: Replay): void {
    this.#replay = replay;
    this.schedule(this.plan.head, ROOT_PLACE);
    this.drain();
    this.#replay = null;
    if (this.#held > 0) this.#ready.push(this.#held);
  }

  /** Makes a task that is over before its turn has come. */
  skipAhead(step: Step, place: Place, input: Json, output: Json): void {
    const task = newTask(this, step, place, null, 0, this.context.newId(), input);
    this.#draft.insert({ ...task, status: 'SKIPPED', output, endedMs: this.now });
  }

  #adopt(attempts: readonly Task[], place: Place): void {
    for (const attempt of attempts) {
      const task = this.#copy(attempt, place);
      this.#draft.insert({ ...task, executed: task.retried });
      if (!task.retried) this.#whenOver(task);
    }
  }

  #resume(attempts: readonly Task[], place: Place): void {
    const { now } = this;
    const task = attempts.at(-1);
    if (!task) return;
    for (const earlier of attempts.slice(0, -1)) this.#draft.insert({ ...this.#copy(earlier, place), executed: true });
    const output = Json.of({ subWorkflowId: task.subRunId });
    const waiting = {
      status: 'IN_PROGRESS',
      output,
      reason: null,
      startedMs: now,
      endedMs: 0,
      updatedMs: now,
    } as const;
    const resumed = { ...this.#copy(task, place), ...waiting, retried: false, executed: false };
    this.#draft.insert(resumed);
    this.watch(resumed);
  }

  /** A task of the run's last life. */
  #copy(task: Task, { forkRowId, fragment }: Place): Task {
    const { rowId: runRowId, lastSeq } = this.run;
    return { ...task, rowId: this.context.newRowId(), runRowId, seq: lastSeq + 1, forkRowId, fragment, dueMs: 0 };
  }

  #whenOver(task: Task): void {
    this.#over ??= new Set();
    this.#over.add(task.rowId);
    this.#ready.push(task.rowId);
  }

  #insert(step: Step, place: Place, previous: Task | null, delayMs: number): void {
    const { now } = this;
    const own = this.types.get(step.type);
    const id = this.context.newId();
    const again = this.#replay?.from.ref === step.ref + place.scope ? this.#replay.from : null;
    const given = again?.input ?? (previous && this.#givenTo(previous, step));
    const { input, ending } = given ? { input: given } : this.#begin(step, place, id, previous !== null);
    const task = newTask(this, step, place, previous, delayMs, id, input);
    if (previous && given) Object.assign(task, asBefore(previous));
    else if (own?.birth) Object.assign(task, own.birth(this, step, place, input));
    if (given) task.givenInput = true;
    const type = this.typeOf(step, task);
    const rules = this.rulesOf(step, task);
    if (type.type === 'SIMPLE') task.domain = this.context.domainOf(task.defName, this.run.taskToDomain);
    task.responseTimeoutSeconds = rules.responseTimeoutSeconds;
    task.dueMs = dueMsOf(task, rules, type);
    this.#draft.insert(task);
    if (ending) {
      this.#foregone ??= new Map();
      this.#foregone.set(task.rowId, ending);
    }
    if (!ending && (type.queued || task.visibleMs > now)) return;
    if (again) this.#held = task.rowId;
    else this.#ready.push(task.rowId);
  }

  /** What steers the run is made anew at every attempt: its input says what it was made of, not what it was given. */
  #givenTo(task: Task, step: Step): Json | null {
    return task.givenInput && !this.typeOf(step, task).control ? task.input : null;
  }

  /** The input of an attempt, or how it ends without one. */
  #begin(step: Step, place: Place, id: string, again: boolean): { readonly input: Json; readonly ending?: Ending } {
    try {
      const foregone = !again && step.when?.evaluate(this.scope(place, step, id)) === false;
      if (foregone) return { input: EMPTY_OBJECT, ending: SKIPPED };
      return { input: inputOf(this, step, place, id) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return { input: EMPTY_OBJECT, ending: { status: 'FAILED_WITH_TERMINAL_ERROR', reason: error.message } };
    }
  }

  /** Starts every engine-run task whose turn has come, in the order in which they were scheduled. */
  drain(): void {
    for (let at = 0; at < this.#ready.length && this.run.status === 'RUNNING'; at += 1) {
      const task = this.task(this.#ready[at] ?? 0);
      if (task && !isTerminal(task.status)) this.#start(task);
      else if (task && this.#over?.has(task.rowId)) this.settle(task);
    }
    this.#ready.length = 0;
  }

  /** Marks an engine-run task that waited for its time as ready. */
  makeReady(task: Task): void {
    this.#ready.push(task.rowId);
  }

  #start(task: Task): void {
    const ending = this.#foregone?.get(task.rowId);
    if (ending) {
      this.finish({ ...task, startedMs: this.now }, ending);
      return;
    }
    const step = this.stepOf(task);
    // From here on visibleMs is the type's own to set.
    const started = this.put({ ...task, startedMs: task.startedMs || this.now, visibleMs: 0 });
    this.typeOf(step, task).start?.(this, started, step);
  }

  watch(task: Task): Task {
    const step = this.stepOf(task);
    const dueMs = dueMsOf(task, this.rulesOf(step, task), this.typeOf(step, task));
    return this.put(dueMs === task.dueMs ? task : { ...task, dueMs });
  }

  finish(task: Task, ending: Ending): void {
    this.settle(this.close(task, ending));
  }

  /** Makes a task terminal; nothing follows from it yet. */
  close(task: Task, ending: Ending): Task {
    const { now } = this;
    return this.put({
      ...task,
      status: ending.status,
      output: ending.output ?? task.output,
      reason: ending.reason === undefined ? task.reason : keptReason(ending.reason),
      endedMs: now,
      updatedMs: now,
      dueMs: 0,
    });
  }

  /** Lets the run react to a terminal task. While the run is paused nothing does: resuming settles what ended meanwhile. */
  settle(task: Task): void {
    if (this.run.status !== 'RUNNING') return;
    const step = this.stepOf(task);
    if (isSuccessful(task.status)) {
      this.#advance(task, step);
      return;
    }
    const rules = this.rulesOf(step, task);
    const mayRetry = !this.typeOf(step, task).control && isRetriable(task.status) && task.attempt < rules.retryCount;
    if (mayRetry && isTotalSpent(task, rules, this.now)) {
      const status = task.status === 'TIMED_OUT' ? 'TIMED_OUT' : 'FAILED';
      this.endRun({ status, reason: totalReason(task, rules, this.now), task, withFailureWorkflow: true });
    } else if (mayRetry) this.#retry(task, step, rules);
    else if (step.task.optional) this.#advance({ ...task, status: 'COMPLETED_WITH_ERRORS' }, step);
    else if (step.task.permissive) this.#advance(task, step);
    else this.endRun(exhaustedEnding(task));
  }

  /** Another attempt of a task that ended with its run; asked for by a person, so no limit on attempts counts for it. */
  again(task: Task): void {
    const step = this.stepOf(task);
    const previous = this.put({ ...task, retried: true, executed: true });
    this.#insert(step, placeOf(task), { ...previous, firstScheduledMs: this.now }, 0);
  }

  #retry(task: Task, step: Step, rules: TaskDefinition): void {
    const delayMs = retryDelayMs(rules, task.attempt, rules.backoffJitterMs > 0 ? this.context.random() : 0);
    const previous = this.put({ ...task, retried: true, executed: true });
    this.#insert(step, placeOf(task), previous, delayMs);
  }

  #advance(task: Task, step: Step): void {
    this.put({ ...task, executed: true });
    this.done(step, placeOf(task));
  }

  done(step: Step, place: Place): void {
    for (const join of step.joins) this.#tell(join, place, step.depth);
    if (this.run.status !== 'RUNNING') return;
    if (step.next) this.schedule(step.next, place);
    else this.#sequenceEnded(step.sequence, place);
  }

  /** A JOIN deeper in loops than what it waits for can only be found as the latest of its step. */
  #tell(join: Step, place: Place, depth: number): void {
    const task = join.depth === depth ? this.latest(join.ref + place.scope) : this.latestOfStep(join.ref);
    if (task && !isTerminal(task.status)) this.types.get(join.type)?.wake?.(this, task, join);
  }

  #sequenceEnded(sequence: Sequence, place: Place): void {
    for (const fork of sequence.partialForks) this.#countDown(this.latest(fork.ref + place.scope));
    if (this.#isGathered(sequence, place)) this.#containerEnded(sequence.container, place);
  }

  #isGathered(sequence: Sequence, place: Place): boolean {
    return sequence.partialForks.every((fork) => (this.latest(fork.ref + place.scope)?.waiting ?? 0) === 0);
  }

  #containerEnded(container: Container, place: Place): void {
    switch (container.kind) {
      case 'root':
        this.patchRun({ sequenceDone: true });
        return;
      case 'branch':
        this.#branchEnded(this.latest(container.fork.ref + place.scope), container.fork);
        return;
      case 'case': {
        const owner = this.latest(container.owner.ref + place.scope);
        if (owner && owner.waiting > 0) this.put({ ...owner, waiting: 0 });
        this.done(container.owner, place);
        return;
      }
      case 'loop': {
        const outer = place.scope.slice(0, place.scope.lastIndexOf('__'));
        const loop = this.latest(container.owner.ref + outer);
        if (loop && !isTerminal(loop.status)) this.types.get('DO_WHILE')?.wake?.(this, loop, container.owner);
        return;
      }
      case 'dynamic': {
        const fork = this.task(place.forkRowId);
        if (fork) this.#branchEnded(fork, this.stepOf(fork));
      }
    }
  }

  #branchEnded(task: Task | undefined, fork: Step): void {
    if (!task) return;
    const place = placeOf(task);
    if (fork.gathering === 'joined') {
      if (fork.type === 'FORK_JOIN_DYNAMIC' && fork.next) this.#tell(fork.next, place, fork.depth);
      return;
    }
    if (this.#countDown(task) > 0) return;
    if (fork.gathering === 'implicit') this.done(fork, place);
    else if (this.#isGathered(fork.sequence, place)) this.#containerEnded(fork.sequence.container, place);
  }

  #countDown(task: Task | undefined): number {
    if (!task || task.waiting === 0) return 0;
    return this.put({ ...task, waiting: task.waiting - 1 }).waiting;
  }
}

/** What another attempt is born with where it is not born anew. */
function asBefore({ type, defName, queue }: Task): Pick<Task, 'type' | 'defName' | 'queue'> {
  return { type, defName, queue };
}
