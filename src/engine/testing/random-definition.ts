// Generates definitions for the property test: forks in forks, partial joins, loops in loops, switches, dynamic forks,
// optional and permissive tasks, waits. Reads only what is certain to be there when it is read.
import type { JsonObject } from '../../model/json.ts';
import { below, pick, type Random } from './random.ts';

interface Budget {
  tasks: number;
  next: number;
}

interface Surroundings {
  /** References whose output may be read: they have ended whenever this runs. */
  readonly readable: readonly string[];
  readonly loops: number;
  readonly depth: number;
}

export function randomDefinition(random: Random, size: number): JsonObject {
  const budget = { tasks: size, next: 0 };
  const top = { readable: [], loops: 0, depth: 0 };
  return { name: 'generated', tasks: sequence(random, budget, top, 1 + below(random, 4)) };
}

function sequence(random: Random, budget: Budget, around: Surroundings, length: number): JsonObject[] {
  const tasks: JsonObject[] = [];
  let readable = around.readable;
  for (let at = 0; at < length; at += 1) {
    const made = step(random, budget, { ...around, readable });
    tasks.push(...made);
    readable = [
      ...readable,
      ...made.filter(({ type }) => type === 'SIMPLE').map(({ taskReferenceName }) => String(taskReferenceName)),
    ];
  }
  return tasks;
}

function step(random: Random, budget: Budget, around: Surroundings): JsonObject[] {
  budget.tasks -= 1;
  if (budget.tasks <= 0 || around.depth >= 4) return [simple(random, budget, around)];
  const roll = random();
  if (roll < 0.42) return [simple(random, budget, around)];
  if (roll < 0.5) return [wait(budget)];
  if (roll < 0.66) return fork(random, budget, around);
  if (roll < 0.8) return [switchOf(random, budget, around)];
  if (roll < 0.92 && around.loops < 2) return [loop(random, budget, around)];
  return dynamicFork(random, budget, around);
}

function reference(budget: Budget, kind: string): string {
  budget.next += 1;
  return `${kind}${budget.next}`;
}

function input(random: Random, readable: readonly string[]): JsonObject {
  return readable.length > 0 && random() < 0.7
    ? { v: `\${${pick(random, readable)}.output.v}` }
    : { v: below(random, 9) };
}

function flags(random: Random): JsonObject {
  const roll = random();
  return roll < 0.15 ? { optional: true } : roll < 0.22 ? { permissive: true } : {};
}

function simple(random: Random, budget: Budget, { readable }: Surroundings): JsonObject {
  const ref = reference(budget, 't');
  return {
    name: 'work',
    taskReferenceName: ref,
    type: 'SIMPLE',
    retryCount: below(random, 3),
    inputParameters: input(random, readable),
    ...flags(random),
  };
}

function wait(budget: Budget): JsonObject {
  const ref = reference(budget, 'w');
  return { name: 'wait', taskReferenceName: ref, type: 'WAIT', inputParameters: { duration: '3 seconds' } };
}

function fork(random: Random, budget: Budget, around: Surroundings): JsonObject[] {
  const ref = reference(budget, 'f');
  const inner = { ...around, depth: around.depth + 1 };
  const branches = Array.from({ length: 1 + below(random, 3) }, () =>
    sequence(random, budget, inner, 1 + below(random, 2)),
  );
  const task: JsonObject = { name: 'fork', taskReferenceName: ref, type: 'FORK_JOIN', forkTasks: branches };
  const roll = random();
  if (roll < 0.2) return [task];
  const lasts = branches.map((branch) => String(branch.at(-1)?.taskReferenceName));
  const firsts = branches.map((branch) => String(branch[0]?.taskReferenceName));
  const joinOn = roll < 0.4 ? [] : roll < 0.5 ? [ref] : roll < 0.8 ? lasts : roll < 0.9 ? lasts.slice(0, 1) : firsts;
  return [task, join(random, budget, joinOn)];
}

function join(random: Random, budget: Budget, joinOn: readonly string[]): JsonObject {
  const ref = reference(budget, 'j');
  return {
    name: 'join',
    taskReferenceName: ref,
    type: 'JOIN',
    joinOn: [...joinOn],
    ...(random() < 0.5 ? { permissive: true } : {}),
  };
}

function switchOf(random: Random, budget: Budget, around: Surroundings): JsonObject {
  const ref = reference(budget, 's');
  const inner = { ...around, depth: around.depth + 1 };
  const branch = () => sequence(random, budget, inner, 1 + below(random, 2));
  return {
    name: 'switch',
    taskReferenceName: ref,
    type: 'SWITCH',
    evaluatorType: 'javascript',
    expression: '$.v % 3',
    inputParameters: input(random, around.readable),
    decisionCases: { 0: branch(), 1: random() < 0.3 ? [] : branch() },
    defaultCase: random() < 0.5 ? [] : branch(),
  };
}

function loop(random: Random, budget: Budget, around: Surroundings): JsonObject {
  const ref = reference(budget, 'l');
  const inner = { ...around, depth: around.depth + 1, loops: around.loops + 1 };
  const times = 1 + below(random, 3);
  const body = sequence(random, budget, inner, 1 + below(random, 3));
  feedBack(random, body);
  const items = Array.from({ length: below(random, 4) }, (_, at) => at);
  const task: JsonObject = { name: 'loop', taskReferenceName: ref, type: 'DO_WHILE', loopOver: body };
  if (random() < 0.3)
    return { ...task, inputParameters: { _items: items }, ...(random() < 0.5 ? { permissive: true } : {}) };
  return { ...task, loopCondition: `$.${ref}.iteration < ${times}`, ...(random() < 0.5 ? { permissive: true } : {}) };
}

/** The first step of a body may read the last one: what the iteration before left. */
function feedBack(random: Random, body: readonly JsonObject[]): void {
  const first = body[0];
  const last = body.at(-1);
  if (first === last || first?.type !== 'SIMPLE' || last?.type !== 'SIMPLE' || random() < 0.5) return;
  first.inputParameters = { v: `\${${String(last.taskReferenceName)}.output.v}` };
}

function dynamicFork(random: Random, budget: Budget, around: Surroundings): JsonObject[] {
  const ref = reference(budget, 'd');
  // Nested references would be resolved with the fork's input, before they mean anything.
  const inner = { readable: around.readable, loops: around.loops, depth: around.depth + 1 };
  const tasks = Array.from({ length: below(random, 4) }, () => {
    const [root = {}] = random() < 0.6 ? [simple(random, budget, inner)] : [rigid(random, budget, inner)];
    return root;
  });
  const task: JsonObject = {
    name: 'fan',
    taskReferenceName: ref,
    type: 'FORK_JOIN_DYNAMIC',
    dynamicForkTasksParam: 'tasks',
    dynamicForkTasksInputParamName: 'inputs',
    inputParameters: { tasks, inputs: {} },
  };
  return random() < 0.25 ? [task] : [task, join(random, budget, [])];
}

/** A nested step whose inside reads only what lies outside. */
function rigid(random: Random, budget: Budget, around: Surroundings): JsonObject {
  const leaf = () => simple(random, budget, around);
  const roll = random();
  if (roll < 0.4) {
    return {
      name: 'switch',
      taskReferenceName: reference(budget, 's'),
      type: 'SWITCH',
      evaluatorType: 'javascript',
      expression: '$.v % 2',
      inputParameters: input(random, around.readable),
      decisionCases: { 0: [leaf(), leaf()] },
      defaultCase: [leaf()],
    };
  }
  if (roll < 0.7 && around.loops < 2) {
    const ref = reference(budget, 'l');
    return {
      name: 'loop',
      taskReferenceName: ref,
      type: 'DO_WHILE',
      loopCondition: `$.${ref}.iteration < 2`,
      loopOver: [leaf(), leaf()],
    };
  }
  return {
    name: 'fork',
    taskReferenceName: reference(budget, 'f'),
    type: 'FORK_JOIN',
    forkTasks: [[leaf(), leaf()], [leaf()]],
  };
}

/** What comes of a failure is then no part of the result. */
export function withoutFlags(document: JsonObject): JsonObject {
  const strict = JSON.parse(JSON.stringify(document), (key, value) =>
    key === 'optional' || key === 'permissive' ? undefined : value,
  );
  return strict;
}
