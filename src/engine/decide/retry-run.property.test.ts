// Any run, failed or terminated anywhere and retried, ends as if nothing had happened.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRunTerminal } from '../../model/run-status.ts';
import { drive } from '../testing/drive-run.ts';
import { Harness } from '../testing/harness.ts';
import { hash, seeded } from '../testing/random.ts';
import { randomDefinition, withoutFlags } from '../testing/random-definition.ts';
import { interpret, type Oracle } from '../testing/reference-interpreter.ts';

const RULES = { name: 'work', retryDelaySeconds: 2, responseTimeoutSeconds: 60, timeoutSeconds: 0 };
const RETRIES_MAX = 300;

/** The same output at every attempt; attempts before `failures` may fail. */
function oracleOf(seed: number, failures: number): Oracle {
  return (ref, attempt, input) => {
    const output = { v: hash(`${ref}/${JSON.stringify(input.v ?? null)}`) };
    const fails = attempt < failures && hash(`${seed}/${ref}/${attempt}`) < 250;
    return { status: fails ? 'FAILED' : 'COMPLETED', output: fails ? {} : output };
  };
}

/** Retries until it succeeds, terminating it now and then on the way; the harness checks every state. */
function persist(h: Harness, oracle: Oracle, order: number, terminations: number): void {
  for (let again = 0; again < RETRIES_MAX && h.run.status !== 'COMPLETED'; again += 1) {
    if (again > 0) {
      h.reload();
      if (h.send({ kind: 'retry', resumed: [] }).run === null) return;
    }
    const random = seeded(order + again);
    let calls = 0;
    const cutsAt = again < terminations ? 1 + Math.floor(random() * 12) : Number.POSITIVE_INFINITY;
    const told: Oracle = (ref, attempt, input) => {
      calls += 1;
      if (calls === cutsAt) h.send({ kind: 'terminate', reason: 'cut' });
      return oracle(ref, attempt, input);
    };
    drive(h, told, random);
    expect(isRunTerminal(h.run.status)).toBe(true);
  }
}

describe('any run that is retried', () => {
  const seeds = fc.record({
    size: fc.integer({ min: 1, max: 25 }),
    failures: fc.integer({ min: 0, max: 6 }),
    terminations: fc.integer({ min: 0, max: 3 }),
    definition: fc.integer({ min: 0, max: 2 ** 31 }),
    order: fc.integer({ min: 0, max: 2 ** 31 }),
  });

  it('ends with what it would have given without a failure, every step done once', () => {
    fc.assert(
      fc.property(seeds, ({ size, failures, terminations, definition, order }) => {
        const document = withoutFlags(randomDefinition(seeded(definition), size));
        const h = new Harness(document, { taskDefinitions: [RULES] });
        persist(h, oracleOf(order, failures), order, terminations);
        const { results } = interpret(document, oracleOf(order, 0));
        const got = [...h.state.latest.values()].map(({ ref, status, output }) => [ref, status, output.object]);
        const told = [...results].map(([ref, { status, output }]) => [ref, status, output]);
        expect(got.sort(byRef)).toEqual(told.sort(byRef));
        expect(h.run.status).toBe('COMPLETED');
        const done = h.tasks().filter(({ status }) => status === 'COMPLETED');
        expect(new Set(done.map(({ ref }) => ref)).size).toBe(done.length);
      }),
      { numRuns: 60 },
    );
  });

  it('with optional and permissive steps never stands still', () => {
    fc.assert(
      fc.property(seeds, ({ size, failures, terminations, definition, order }) => {
        const h = new Harness(randomDefinition(seeded(definition), size), { taskDefinitions: [RULES] });
        persist(h, oracleOf(order, failures), order, terminations);
      }),
      { numRuns: 60 },
    );
  });
});

function byRef(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}
