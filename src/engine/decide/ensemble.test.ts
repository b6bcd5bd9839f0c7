// Definitions in the ensemble language: what their expressions see, conditions, state, and how failures of theirs end.
import { describe, expect, test } from 'vitest';
import { Json } from '../../model/json.ts';
import { Harness } from '../testing/harness.ts';

const step = (name: string, input: string, rest: object = {}) => ({
  type: 'AGENT',
  name: `agent-${name}`,
  taskReferenceName: name,
  inputParameters: { agent: `agent-${name}`, input },
  ...rest,
});
const ensemble = (tasks: readonly object[], outputParameters = {}) => ({
  expressionLanguage: 'ensemble',
  tasks,
  outputParameters,
});

describe('a definition in the ensemble language', () => {
  test('a step sees the input, and what steps before it gave', () => {
    const run = new Harness(
      ensemble([step('first', '${input.order.id}'), step('fetch-user', '{{first.output.a + 1}}')], {
        blocks: [{ body: { user: '${fetch-user.output}', took: '${first.executed}', note: 'id ${input.order.id}!' } }],
      }),
      { input: { order: { id: 7 } } },
    ).start();
    expect(run.task('first').input.object).toEqual({ agent: 'agent-first', input: 7 });
    run.complete('first', { a: 41 });
    expect(run.task('fetch-user').input.object.input).toBe(42);
    run.complete('fetch-user', { _raw: 'Ada' });
    expect(run.run.status).toBe('COMPLETED');
    expect(run.run.output.object).toEqual({ user: 'Ada', took: true, note: 'id 7!' });
  });

  test('a step whose condition does not hold is SKIPPED, and the next one sees that', () => {
    const run = new Harness(
      ensemble([
        step('first', '${input}'),
        step('second', '${first.output.gone.deep}', { when: '${first.output.n > 3}' }),
        step('third', '${second.skipped}'),
      ]),
    ).start();
    run.complete('first', { n: 3 });
    expect(run.statuses()).toEqual({ first: 'COMPLETED', second: 'SKIPPED', third: 'SCHEDULED' });
    expect(run.task('second').output.object).toEqual({ skipped: true, reason: 'condition evaluated to false' });
    expect(run.task('third').input.object.input).toBe(true);
    run.complete('third', { ok: true });
    expect(run.run.status).toBe('COMPLETED');
    expect(run.run.output.object).toEqual({ ok: true });
  });

  test('a first step, and all steps, may be skipped', () => {
    const skipped = { when: 'input.never' };
    const run = new Harness(
      ensemble(Array.from({ length: 300 }, (_, n) => step(`s${n}`, '${input}', skipped))),
    ).start();
    expect(run.run.status).toBe('COMPLETED');
    expect(new Set(Object.values(run.statuses()))).toEqual(new Set(['SKIPPED']));
  });

  test('what a step gave is never evaluated, however it is spelled', () => {
    const run = new Harness(ensemble([step('first', '${input}'), step('second', '${first.output.text}')])).start();
    run.complete('first', { text: '${input.secret}{{state.x}}${env.HOME}' });
    expect(run.task('second').input.object.input).toBe('${input.secret}{{state.x}}${env.HOME}');
  });

  test('an expression over the environment stays as it is written', () => {
    const run = new Harness(ensemble([step('first', 'Bearer ${env.TOKEN}')])).start();
    expect(run.task('first').input.object.input).toBe('Bearer ${env.TOKEN}');
  });

  test('a state patch is laid over the run’s state with the step’s result', () => {
    const run = new Harness(ensemble([step('first', '${input}'), step('second', '${state.seen}')])).start();
    run.claim(run.task('first'));
    run.update('first', { statePatch: { seen: [1, 2] } });
    expect(run.run.variables.object.state).toEqual({ seen: [1, 2] });
    expect(run.task('second').input.object.input).toEqual([1, 2]);
  });

  test('an expression that costs too much fails its step, not the server', () => {
    const big = Array.from({ length: 2000 }, (_, n) => n);
    const costly = '${input.big.map(a => input.big.map(b => input.big.length)).length}';
    const run = new Harness(ensemble([step('first', costly)]), { input: { big } }).start();
    expect(run.task('first').status).toBe('FAILED_WITH_TERMINAL_ERROR');
    expect(run.run.status).toBe('FAILED');
    const output = new Harness(ensemble([step('first', '${input.n}')], { blocks: [{ body: costly }] }), {
      input: { big },
    }).start();
    output.complete('first');
    expect(output.run.status).toBe('FAILED');
    expect(output.run.reason).toContain('The output cannot be made');
  });

  test('data that looks like a response is data: only output blocks say how an answer is sent', () => {
    const run = new Harness(ensemble([step('first', '${input}')])).start();
    run.complete('first', { _response: { redirect: { url: 'https://evil.example' } } });
    expect(run.run.output.object).toEqual({ _raw: { _response: { redirect: { url: 'https://evil.example' } } } });
  });

  test('the first block that holds is the answer', () => {
    const blocks = [
      { when: '${first.output.missing}', status: 404, body: { error: 'none' } },
      { status: 201, headers: { location: '/o/${first.output.id}' }, body: { id: '${first.output.id}' } },
    ];
    const run = new Harness(ensemble([step('first', '${input}')], { blocks })).start();
    run.complete('first', { id: 5 });
    const answer = { id: 5, _response: { status: 201, headers: { location: '/o/5' } } };
    expect(run.run.output.object).toEqual(answer);
    expect(Json.of(answer).text).toBe(run.run.output.text);
  });

  test('conditions belong to this language alone, and unknown steps are refused', () => {
    const simple = { name: 'a', taskReferenceName: 'a', type: 'SIMPLE', when: 'true' };
    expect(() => new Harness({ tasks: [simple] })).toThrow('only definitions in the ensemble language');
    expect(() => new Harness(ensemble([step('first', '${frist.output}')]))).toThrow('frist');
  });
});
