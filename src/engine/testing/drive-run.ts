// Drives a run to its end with workers that do what an oracle foretells, in any order, and with everything between that
// a network, an operator and a restart may do.
import { expect } from 'vitest';
import type { Task } from '../../model/run.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import { isTerminal } from '../../model/task-status.ts';
import type { Harness } from './harness.ts';
import { below, hash, pick, type Random } from './random.ts';
import type { Oracle } from './reference-interpreter.ts';

/** `harshness`: out of 1000 attempts, how many fail. */
export function oracleFor(seed: number, harshness: number): Oracle {
  return (ref, attempt, input) => {
    const fate = hash(`${seed}/${ref}/${attempt}`);
    const output = { v: hash(`${ref}/${attempt}/${JSON.stringify(input.v ?? null)}`) };
    if (fate >= harshness) return { status: 'COMPLETED', output };
    return { status: fate % 5 === 0 ? 'FAILED_WITH_TERMINAL_ERROR' : 'FAILED', output };
  };
}

export function drive(h: Harness, oracle: Oracle, random: Random): void {
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
