// Any run, ended in any way and begun again at any of its tasks, ends as if nothing had happened.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Json } from '../../model/json.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import { drive, oracleFor } from '../testing/drive-run.ts';
import { Harness } from '../testing/harness.ts';
import { below, hash, pick, type Random, seeded } from '../testing/random.ts';
import { randomDefinition, withoutFlags } from '../testing/random-definition.ts';
import { interpret, type Oracle } from '../testing/reference-interpreter.ts';

const RULES = { name: 'work', retryDelaySeconds: 2, responseTimeoutSeconds: 60, timeoutSeconds: 0 };

/** The same output whenever it is asked; `failing` out of 1000 references fail at their first attempt. */
function oracleOf(seed: number, failing: number): Oracle {
  return (ref, attempt, input) => {
    const output = { v: hash(`${ref}/${JSON.stringify(input.v ?? null)}`) };
    const fails = attempt === 0 && hash(`${seed}/${ref}`) < failing;
    return { status: fails ? 'FAILED' : 'COMPLETED', output: fails ? {} : output };
  };
}

it('a run begun again at any task ends as one that never failed, and nothing that was done before it is done again', () => {
  fc.assert(
    fc.property(
      fc.record({
        size: fc.integer({ min: 1, max: 25 }),
        failing: fc.integer({ min: 0, max: 400 }),
        definition: fc.integer({ min: 0, max: 2 ** 31 }),
        order: fc.integer({ min: 0, max: 2 ** 31 }),
        again: fc.integer({ min: 1, max: 3 }),
      }),
      ({ size, failing, definition, order, again }) => {
        const document = withoutFlags(randomDefinition(seeded(definition), size));
        const h = new Harness(document, { taskDefinitions: [RULES] });
        const random = seeded(order);
        drive(h, oracleOf(order, failing), random);
        const { results } = interpret(document, oracleOf(order, 0));
        for (let n = 0; n < again; n += 1) {
          const from = pick(
            random,
            [...h.state.latest.values()].filter(({ type }) => !type.endsWith('JOIN')),
          );
          const before = h.tasks().filter((task) => task.status === 'COMPLETED' && task.queue !== null);
          h.rerun(from.ref);
          h.reload();
          const kept = h.tasks().filter((task) => task.status === 'COMPLETED' && task.queue !== null);
          const ids = new Set(before.map(({ id }) => id));
          expect(kept.every(({ id }) => ids.has(id))).toBe(true);
          drive(h, oracleOf(order, 0), random);
        }
        const got = [...h.state.latest.values()].map(({ ref, status, output }) => [ref, status, output.object]);
        const told = [...results].map(([ref, { status, output }]) => [ref, status, output]);
        expect(got.sort(byRef)).toEqual(told.sort(byRef));
        expect(h.run.status).toBe('COMPLETED');
      },
    ),
    { numRuns: 150 },
  );
});

/** Skips what comes, works a little, and breaks off. */
function interrupt(h: Harness, random: Random): void {
  for (let works = below(random, 6); works > 0 && h.ready().length > 0; works -= 1) {
    h.report(pick(random, h.ready()), { output: { v: 1 } });
    const step = pick(random, [...h.plan.steps.values()]);
    const ref = step.ref + `__${1 + below(random, 3)}`.repeat(step.depth);
    h.send({ kind: 'skip', ref, input: Json.of({}), output: Json.of({ v: 2 }) });
  }
  h.send({ kind: 'terminate', reason: 'enough' });
}

it('whatever was optional, permissive, skipped, cut off, retried or begun again before, it never stands still', () => {
  fc.assert(
    fc.property(
      fc.record({
        size: fc.integer({ min: 1, max: 25 }),
        failing: fc.integer({ min: 0, max: 600 }),
        definition: fc.integer({ min: 0, max: 2 ** 31 }),
        order: fc.integer({ min: 0, max: 2 ** 31 }),
        acts: fc.array(fc.constantFrom('rerun', 'retry', 'interrupt', 'drive'), { minLength: 2, maxLength: 6 }),
      }),
      ({ size, failing, definition, order, acts }) => {
        const h = new Harness(randomDefinition(seeded(definition), size), { taskDefinitions: [RULES] });
        const random = seeded(order);
        h.start();
        for (const act of acts) {
          if (act === 'interrupt') interrupt(h, random);
          else if (act === 'drive') drive(h, oracleFor(order, failing), random);
          else if (!isRunTerminal(h.run.status)) continue;
          else if (act === 'retry') h.send({ kind: 'retry', resumed: [] });
          else {
            const refs = [...h.state.latest.values()].filter(({ type }) => !type.endsWith('JOIN'));
            if (refs.length > 0) h.rerun(pick(random, refs).ref);
          }
          h.reload();
        }
        drive(h, oracleFor(order, failing), random);
      },
    ),
    { numRuns: 200 },
  );
});

function byRef(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}
