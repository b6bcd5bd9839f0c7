// What a definition means, told as simply as possible: a recursive walk over its tree, one step after another, with no
// plan, no counters and no state but a table of results. Written apart from the engine, so that both can be wrong only
// in different ways. Knows the step types of the property test, and no more.
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { TaskStatus } from '../../model/task-status.ts';

/** How a worker's attempt ends. */
export type Oracle = (ref: string, attempt: number, input: JsonObject) => { status: TaskStatus; output: JsonObject };

export interface Outcome {
  readonly status: TaskStatus;
  readonly output: JsonObject;
  readonly attempts: number;
}

export interface Meaning {
  /** By wire reference name. What follows a failure that ends the run is not in it. */
  readonly results: ReadonlyMap<string, Outcome>;
  /** References whose failure ends the run. With none, everything in `results` must happen. */
  readonly fatal: ReadonlySet<string>;
}

/** Whether the run goes on after it. */
type GoesOn = boolean;

const GOOD: readonly TaskStatus[] = ['COMPLETED', 'COMPLETED_WITH_ERRORS', 'SKIPPED'];

export function interpret(definition: JsonObject, oracle: Oracle): Meaning {
  const walker = new Walker(oracle);
  walker.sequence(list(definition.tasks), '');
  return { results: walker.results, fatal: walker.fatal };
}

class Walker {
  readonly results = new Map<string, Outcome>();
  readonly fatal = new Set<string>();
  readonly #latest = new Map<string, Outcome>();
  readonly #passed = new Set<string>();
  readonly #oracle: Oracle;

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  sequence(tasks: readonly JsonObject[], scope: string): GoesOn {
    let allEnded = true;
    for (const [at, task] of tasks.entries()) {
      const next = tasks[at + 1];
      const goesOn = this.#step(task, scope, tasks[at - 1]);
      if (goesOn) this.#passed.add(refOf(task) + scope);
      // What a JOIN does not wait for may fail beside what follows it.
      else if (isFork(task) && next?.type === 'JOIN') allEnded = false;
      else return false;
    }
    return allEnded;
  }

  #step(task: JsonObject, scope: string, previous: JsonObject | undefined): GoesOn {
    switch (task.type) {
      case 'SIMPLE':
        return this.#simple(task, scope);
      case 'SWITCH':
        return this.#switch(task, scope);
      case 'FORK_JOIN':
        this.#note(task, scope, 'COMPLETED', {});
        return this.#all(branchesOf(task), scope);
      case 'FORK_JOIN_DYNAMIC':
        this.#note(task, scope, 'COMPLETED', {});
        return this.#all(dynamicBranches(task), scope);
      case 'JOIN':
        return this.#join(task, scope, previous);
      case 'DO_WHILE':
        return this.#loop(task, scope);
      default:
        this.#note(task, scope, 'COMPLETED', {});
        return true;
    }
  }

  /** Branches run beside each other, so one that ends the run does not keep the others from having run. */
  #all(branches: readonly (readonly JsonObject[])[], scope: string): GoesOn {
    return branches.map((branch) => this.sequence(branch, scope)).every(Boolean);
  }

  #simple(task: JsonObject, scope: string): GoesOn {
    const input = this.#input(task, scope);
    for (let attempt = 0; ; attempt += 1) {
      const { status, output } = this.#oracle(refOf(task) + scope, attempt, input);
      if (status === 'FAILED' && attempt < Number(task.retryCount)) continue;
      return this.#end(task, scope, status, output, attempt + 1);
    }
  }

  #switch(task: JsonObject, scope: string): GoesOn {
    const modulus = Number(/% (\d)/.exec(String(task.expression))?.[1]);
    const selected = String(Number(this.#input(task, scope).v) % modulus);
    this.#note(task, scope, 'COMPLETED', { evaluationResult: [selected], selectedCase: selected });
    const cases = isJsonObject(task.decisionCases) ? task.decisionCases : {};
    return this.sequence(list(cases[selected] ?? task.defaultCase), scope);
  }

  #join(task: JsonObject, scope: string, fork: JsonObject | undefined): GoesOn {
    const output: JsonObject = {};
    const statuses: TaskStatus[] = [];
    const refs = listed(task, fork);
    if (!refs.every((ref) => this.#passed.has(ref + scope))) return false;
    for (const ref of refs) {
      const result = this.results.get(ref + scope);
      if (!result) continue;
      statuses.push(result.status);
      if (Object.keys(result.output).length > 0) output[ref + scope] = result.output;
    }
    const failed = statuses.some((status) => !GOOD.includes(status));
    const blemished = statuses.includes('COMPLETED_WITH_ERRORS');
    return this.#end(task, scope, failed ? 'FAILED' : blemished ? 'COMPLETED_WITH_ERRORS' : 'COMPLETED', output, 1);
  }

  #loop(task: JsonObject, scope: string): GoesOn {
    const body = list(task.loopOver);
    const items = isJsonObject(task.inputParameters) ? task.inputParameters._items : undefined;
    const times = Array.isArray(items) ? items.length : Number(/< (\d+)/.exec(String(task.loopCondition))?.[1]);
    const output: JsonObject = {};
    let iteration = 0;
    let failed = false;
    while (iteration < times && !failed) {
      iteration += 1;
      const inner = `${scope}__${iteration}`;
      if (!this.sequence(body, inner)) return false;
      const entry: JsonObject = {};
      for (const ref of outsideInnerLoops(body)) {
        const result = this.results.get(ref + inner);
        if (!result) continue;
        entry[ref] = result.output;
        failed ||= !GOOD.includes(result.status);
      }
      output[String(iteration)] = entry;
    }
    if (Array.isArray(items) && iteration > 0) {
      output.loopIndex = iteration - 1;
      output.loopItem = items[iteration - 1] ?? null;
    }
    return this.#end(task, scope, failed ? 'FAILED' : 'COMPLETED', { ...output, iteration }, 1);
  }

  /** A failure that nothing excuses ends the run. */
  #end(task: JsonObject, scope: string, status: TaskStatus, output: JsonObject, attempts: number): GoesOn {
    const isGood = GOOD.includes(status);
    this.#note(task, scope, !isGood && task.optional ? 'COMPLETED_WITH_ERRORS' : status, output, attempts);
    if (isGood || task.optional || task.permissive) return true;
    this.fatal.add(refOf(task) + scope);
    return false;
  }

  #note(task: JsonObject, scope: string, status: TaskStatus, output: JsonObject, attempts = 1): void {
    const outcome = { status, output, attempts };
    this.results.set(refOf(task) + scope, outcome);
    this.#latest.set(refOf(task), outcome);
  }

  #input(task: JsonObject, scope: string): JsonObject {
    const given = isJsonObject(task.inputParameters) ? task.inputParameters : {};
    const ref = /^\$\{(\w+)\.output\.v\}$/.exec(String(given.v))?.[1];
    return ref === undefined ? given : { v: this.#find(ref, scope)?.output.v ?? null };
  }

  /** The same iteration, else one around it, else the latest. */
  #find(ref: string, scope: string): Outcome | undefined {
    const numbers = scope.split('__').slice(1);
    for (let count = numbers.length; count >= 0; count -= 1) {
      const suffix = numbers
        .slice(0, count)
        .map((number) => `__${number}`)
        .join('');
      const found = this.results.get(ref + suffix);
      if (found) return found;
    }
    return this.#latest.get(ref);
  }
}

function isFork(task: JsonObject): boolean {
  return task.type === 'FORK_JOIN' || task.type === 'FORK_JOIN_DYNAMIC';
}

function listed(join: JsonObject, fork: JsonObject | undefined): string[] {
  if (fork?.type === 'FORK_JOIN_DYNAMIC') return dynamicBranches(fork).map(([root]) => refOf(root ?? {}));
  const named = Array.isArray(join.joinOn) ? join.joinOn.map(String) : [];
  const lasts = branchesOf(fork ?? {}).map((branch) => refOf(branch.at(-1) ?? {}));
  if (named.length === 0) return lasts;
  const inner = new Map(
    branchesOf(fork ?? {})
      .flat()
      .map((task) => [refOf(task), task]),
  );
  const expanded = named.flatMap((ref) => {
    if (ref === refOf(fork ?? {})) return lasts;
    const task = inner.get(ref);
    return task?.type === 'FORK_JOIN' ? branchesOf(task).map((branch) => refOf(branch.at(-1) ?? {})) : [ref];
  });
  return [...new Set(expanded)];
}

function outsideInnerLoops(tasks: readonly JsonObject[]): string[] {
  return tasks.flatMap((task) => {
    const cases = isJsonObject(task.decisionCases) ? Object.values(task.decisionCases).flatMap(list) : [];
    return [refOf(task), ...outsideInnerLoops([...branchesOf(task).flat(), ...cases, ...list(task.defaultCase)])];
  });
}

function dynamicBranches(task: JsonObject): JsonObject[][] {
  const tasks = isJsonObject(task.inputParameters) ? list(task.inputParameters.tasks) : [];
  return tasks.map((root) => [root]);
}

function branchesOf(task: JsonObject): JsonObject[][] {
  return Array.isArray(task.forkTasks) ? task.forkTasks.map(list) : [];
}

function list(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function refOf(task: JsonObject): string {
  return String(task.taskReferenceName);
}
