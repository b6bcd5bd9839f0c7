// Any run, ended in any way and begun again at any of its tasks, ends as if nothing had happened.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { drive } from '../testing/drive-run.ts';
import { Harness } from '../testing/harness.ts';
import { hash, pick, seeded } from '../testing/random.ts';
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

function byRef(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}
