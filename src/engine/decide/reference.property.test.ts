// Any definition, driven in any order, with any repeated or untimely event between, ends as the reference interpreter
// says it must.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import { isTerminal } from '../../model/task-status.ts';
import { Harness } from '../testing/harness.ts';
import { below, hash, pick, type Random, seeded } from '../testing/random.ts';
import { randomDefinition } from '../testing/random-definition.ts';
import { interpret, type Meaning, type Oracle } from '../testing/reference-interpreter.ts';

const RULES = { name: 'work', retryDelaySeconds: 2, responseTimeoutSeconds: 60, timeoutSeconds: 0 };

/** `harshness`: out of 1000 attempts, how many fail. */
function oracleFor(seed: number, harshness: number): Oracle {
  return (ref, attempt, input) => {
    const fate = hash(`${seed}/${ref}/${attempt}`);
    const output = { v: hash(`${ref}/${attempt}/${JSON.stringify(input.v ?? null)}`) };
    if (fate >= harshness) return { status: 'COMPLETED', output };
    return { status: fate % 5 === 0 ? 'FAILED_WITH_TERMINAL_ERROR' : 'FAILED', output };
  };
}

function drive(h: Harness, oracle: Oracle, random: Random): void {
  h.start();
  for (let events = 0; !isRunTerminal(h.run.status); events += 1) {
    if (events > 20_000) throw new Error('the run never ends');
    disturb(h, random);
    if (h.run.status === 'PAUSED') h.send({ kind: 'resume' });
    if (isRunTerminal(h.run.status)) return;
    const ready = h.ready();
    const claimed = h.open().filter((task) => task.status === 'IN_PROGRESS' && task.queue !== null);
    const roll = random();
    if (ready.length > 0 && (roll < 0.45 || claimed.length === 0)) h.claim(pick(random, ready));
    else if (claimed.length > 0 && roll < 0.9) report(h, pick(random, claimed), oracle);
    else step(h);
  }
}

function report(h: Harness, task: Task, oracle: Oracle): void {
  h.report(task, { ...oracle(task.ref, task.attempt, task.input.object), reason: 'as foretold' });
}

/** The clock moves to the next thing that happens by itself, but never so far that a claimed task would time out. */
function step(h: Harness): void {
  const due = h.nextDue();
  const visible = h
    .open()
    .filter((task) => task.queue !== null && task.visibleMs > h.nowMs)
    .map((task) => task.visibleMs);
  const next = Math.min(due?.atMs ?? Number.POSITIVE_INFINITY, ...visible);
  if (!Number.isFinite(next)) {
    if (h.open().length === 0) throw new Error(`stuck: ${JSON.stringify(h.statuses())}`);
    return;
  }
  const isHeld = h.open().some((task) => task.status === 'IN_PROGRESS' && task.queue !== null);
  if (isHeld && next > h.nowMs + 50_000) return;
  h.advance(Math.max(0, next - h.nowMs));
}

/** What a network, an operator and a restart do to a run. */
function disturb(h: Harness, random: Random): void {
  const tasks = h.tasks();
  if (random() < 0.15) h.send({ kind: 'timer', taskRowId: pick(random, [{ rowId: 0 }, ...tasks]).rowId });
  if (random() < 0.1) h.claim(pick(random, tasks), 'somebody else');
  const over = tasks.filter((task) => isTerminal(task.status));
  if (over.length > 0 && random() < 0.2) expectNothing(h, pick(random, over));
  if (random() < 0.05) h.send({ kind: 'start' });
  if (random() < 0.05) h.send({ kind: 'decide' });
  if (random() < 0.08) h.send({ kind: 'pause' });
  if (random() < 0.05) h.reload();
  const idle = h.ready();
  if (random() < 0.05 && idle.length > 0) {
    const task = pick(random, idle);
    h.claim(task);
    h.report(task, { status: 'IN_PROGRESS', callbackAfterSeconds: below(random, 3), output: { v: 'not yet' } });
  }
}

function expectNothing(h: Harness, task: Task): void {
  const decision = h.report(task, { status: 'COMPLETED', output: { v: 'too late' } });
  expect(decision).toMatchObject({ run: null, inserted: [], updated: [], effects: [], ended: false });
}

function compare(h: Harness, meaning: Meaning): void {
  const { results, fatal } = meaning;
  if (fatal.size === 0) {
    const engine = [...h.state.latest.values()].map((task) => [task.ref, outcome(task)] as const).sort(byRef);
    const told = [...results].map(
      ([ref, { status, output, attempts }]) => [ref, { status, output, attempts }] as const,
    );
    expect(engine).toEqual([...told].sort(byRef));
    const hasFailures = [...results.values()].some(({ status }) => status.startsWith('FAILED'));
    expect(h.run.status).toBe(hasFailures ? 'FAILED' : 'COMPLETED');
    return;
  }
  expect(h.run.status).toBe('FAILED');
  const cause = h.tasks().find((task) => h.run.reason?.startsWith(`Task ${task.id} failed`));
  expect(fatal).toContain(cause?.ref);
  for (const task of h.state.latest.values()) {
    const told = results.get(task.ref);
    // What encloses or awaits the failure stood open, and never came to its own end.
    if (!told && task.status === 'CANCELED' && ['DO_WHILE', 'JOIN'].includes(task.type)) continue;
    expect(told, `${task.ref} should never have been scheduled`).toBeDefined();
    if (task.status !== 'CANCELED') expect([task.ref, outcome(task)]).toEqual([task.ref, told]);
  }
}

function outcome(task: Task): { status: string; output: JsonObject; attempts: number } {
  return { status: task.status, output: task.output.object, attempts: task.attempt + 1 };
}

function byRef(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function afterTheEnd(h: Harness): void {
  const before = JSON.stringify([h.run, h.tasks().map((task) => ({ ...task, output: task.output.text }))]);
  const some = h.tasks().slice(0, 20);
  for (const task of some) {
    h.send({ kind: 'timer', taskRowId: task.rowId });
    h.claim(task);
    h.report(task, { status: 'FAILED' });
  }
  for (const kind of ['start', 'pause', 'resume', 'decide'] as const) h.send({ kind });
  h.send({ kind: 'timer', taskRowId: 0 });
  expect(JSON.stringify([h.run, h.tasks().map((task) => ({ ...task, output: task.output.text }))])).toBe(before);
}

describe('any definition, in any order of events', () => {
  const seeds = fc.record({
    size: fc.integer({ min: 1, max: 25 }),
    harshness: fc.constantFrom(0, 0, 60, 250),
    definition: fc.integer({ min: 0, max: 2 ** 31 }),
    order: fc.integer({ min: 0, max: 2 ** 31 }),
  });
  it('ends as the reference interpreter says, with every attempt scheduled once', () => {
    fc.assert(
      fc.property(seeds, ({ size, harshness, definition, order }) => {
        const document = randomDefinition(seeded(definition), size);
        const oracle = oracleFor(order, harshness);
        const h = new Harness(document, { taskDefinitions: [RULES] });
        drive(h, oracle, seeded(order));
        compare(h, interpret(document, oracle));
        afterTheEnd(h);
      }),
      { numRuns: 400 },
    );
  });
});
