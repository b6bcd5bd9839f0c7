import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../model/json.ts';
import { Harness } from '../testing/harness.ts';

const work = (ref: string) => ({ name: 'work', taskReferenceName: ref });
const after = work('after');

function choose(task: object, c: JsonValue) {
  const whole = { name: 's', taskReferenceName: 's', inputParameters: { c: '${workflow.input.c}' }, ...task };
  return new Harness({ tasks: [whole, after] }, { input: { c } }).start();
}

const CASES = {
  decisionCases: { a: [work('a1'), work('a2')], b: [], null: [work('n')], true: [work('t')] },
  defaultCase: [work('d')],
};
const BY_VALUE = { type: 'SWITCH', evaluatorType: 'value-param', expression: 'c', ...CASES };

describe('SWITCH', () => {
  test('K5: runs the chosen case to its end, then what follows', () => {
    const h = choose(BY_VALUE, 'a');
    expect(h.task('s')).toMatchObject({ status: 'COMPLETED', executed: true });
    expect(h.task('s').output.value).toEqual({ evaluationResult: ['a'], selectedCase: 'a' });
    expect(h.task('s').input.value).toEqual({ c: 'a', case: 'a', hasChildren: 'true' });
    h.complete('a1');
    h.complete('a2');
    expect(h.has('d')).toBe(false);
    h.complete('after');
    expect(h.run.status).toBe('COMPLETED');
  });

  test('an unmatched value takes the default', () => expect(choose(BY_VALUE, 'zzz').has('d')).toBe(true));

  test('a matched case without tasks is a choice of nothing', () => {
    const h = choose(BY_VALUE, 'b');
    expect(h.has('d')).toBe(false);
    expect(h.has('after')).toBe(true);
  });

  test('null and booleans choose by their names', () => {
    expect(choose(BY_VALUE, null).has('n')).toBe(true);
    expect(choose(BY_VALUE, true).has('t')).toBe(true);
  });

  test('a name that objects inherit is no case', () => expect(choose(BY_VALUE, 'constructor').has('d')).toBe(true));

  test('a script chooses by its value', () => {
    const byScript = { ...BY_VALUE, evaluatorType: 'javascript', expression: "$.c > 5 ? 'a' : 'b'" };
    expect(choose(byScript, 9).has('a1')).toBe(true);
    expect(choose(byScript, 1).has('after')).toBe(true);
  });

  test('a script error fails it without retry', () => {
    const broken = { ...BY_VALUE, evaluatorType: 'graaljs', expression: 'nothing.here', retryCount: 5 };
    const h = choose(broken, 1);
    expect(h.task('s')).toMatchObject({ status: 'FAILED', attempt: 0 });
    expect(h.run.status).toBe('FAILED');
    const optional = choose({ ...broken, optional: true }, 1);
    expect(optional.statuses()).toEqual({ s: 'COMPLETED_WITH_ERRORS', after: 'SCHEDULED' });
  });
});

describe('DECISION', () => {
  test('chooses by caseValueParam; a matched empty case falls to the default', () => {
    const byValue = { type: 'DECISION', caseValueParam: 'c', ...CASES };
    const h = choose(byValue, 'a');
    expect(h.task('s').output.value).toEqual({ caseOutput: ['a'] });
    expect(h.has('a1')).toBe(true);
    expect(choose(byValue, 'b').has('d')).toBe(true);
  });

  test('a script beats the parameter, and its error is the end of the run', () => {
    const byScript = { type: 'DECISION', caseValueParam: 'c', caseExpression: "'a'", ...CASES };
    expect(choose(byScript, 'zzz').has('a1')).toBe(true);
    expect(choose({ ...byScript, caseExpression: 'nothing.here' }, 1).run.status).toBe('FAILED');
  });
});
