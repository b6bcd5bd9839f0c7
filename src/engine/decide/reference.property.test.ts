// Any definition, driven in any order, with any repeated or untimely event between, ends as the reference interpreter
// says it must.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import { drive, oracleFor } from '../testing/drive-run.ts';
import { Harness } from '../testing/harness.ts';
import { seeded } from '../testing/random.ts';
import { randomDefinition } from '../testing/random-definition.ts';
import { interpret, type Meaning } from '../testing/reference-interpreter.ts';

const RULES = { name: 'work', retryDelaySeconds: 2, responseTimeoutSeconds: 60, timeoutSeconds: 0 };

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
