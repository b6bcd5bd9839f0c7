import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import { workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { validateDefinition } from '../plan/validate-definition.ts';
import { Harness } from '../testing/harness.ts';

const work = (ref: string, more: object = {}) => ({ name: 'work', taskReferenceName: ref, ...more });

describe('SET_VARIABLE', () => {
  const set = (inputParameters: JsonObject) => ({
    name: 's',
    taskReferenceName: 's',
    type: 'SET_VARIABLE',
    inputParameters,
  });

  test('merges its input into the variables, which later tasks see', () => {
    const h = new Harness(
      {
        variables: { a: 1, b: { x: 1 } },
        tasks: [
          set({ b: { y: 2 }, c: '${workflow.input.c}' }),
          work('t', { inputParameters: { all: '${workflow.variables}' } }),
        ],
      },
      { input: { c: 3 } },
    ).start();
    expect(h.task('t').input.value).toEqual({ all: { a: 1, b: { y: 2 }, c: 3 } });
  });

  test('refuses to make them larger than 256 KB', () => {
    const h = new Harness({ tasks: [set({ big: 'x'.repeat(300_000) })] }).start();
    expect(h.task('s').status).toBe('FAILED_WITH_TERMINAL_ERROR');
    expect(h.run.variables.value).toEqual({});
  });
});

describe('INLINE', () => {
  const inline = (more: JsonObject) =>
    new Harness({ tasks: [{ name: 'i', taskReferenceName: 'i', type: 'INLINE', ...more }] }).start();

  test('gives the script’s value, wherever the script is written', () => {
    expect(inline({ expression: '$.a + 1', inputParameters: { a: 2 } }).task('i').output.value).toEqual({ result: 3 });
    const inInput = { inputParameters: { evaluatorType: 'javascript', expression: '({ twice: $.a * 2 })', a: 2 } };
    expect(inline(inInput).task('i').output.value).toEqual({ result: { twice: 4 } });
  });

  test('value-param gives an input', () => {
    expect(
      inline({ evaluatorType: 'value-param', expression: 'a', inputParameters: { a: 5 } }).task('i').output.value,
    ).toEqual({ result: 5 });
  });

  test('an error fails it for good and is in its output', () => {
    const h = inline({ expression: "throw new Error('boom')" });
    expect(h.task('i')).toMatchObject({ status: 'FAILED_WITH_TERMINAL_ERROR', reason: 'boom' });
    expect(h.task('i').output.value).toEqual({ error: 'boom' });
  });
});

describe('LAMBDA', () => {
  const lambda = (more: JsonObject) =>
    new Harness({ tasks: [{ name: 'l', taskReferenceName: 'l', type: 'LAMBDA', ...more }] }).start();

  test('gives what its function body returns, wherever the body is written', () => {
    const scriptExpression = 'if ($.a > 1) { return { big: true } } return { big: false } // done';
    const inInput = { inputParameters: { scriptExpression, a: 2 } };
    expect(lambda(inInput).task('l').output.value).toEqual({ result: { big: true } });
    expect(lambda({ scriptExpression, inputParameters: { a: 1 } }).task('l').output.value).toEqual({
      result: { big: false },
    });
    expect(lambda({ scriptExpression: 'const a = 1;' }).task('l').output.value).toEqual({ result: null });
  });

  test('an error fails it, may be retried, and is in its output', () => {
    const h = lambda({ scriptExpression: "throw new Error('boom')" });
    expect(h.task('l')).toMatchObject({ status: 'FAILED', reason: 'boom' });
    expect(h.task('l').output.value).toEqual({ error: 'boom' });
    expect(lambda({ inputParameters: { scriptExpression: 5 } }).task('l').reason).toMatch(/not text/);
  });
});

describe('TERMINATE', () => {
  const end = (inputParameters: JsonObject, more: object = {}) => {
    const task = { name: 'e', taskReferenceName: 'e', type: 'TERMINATE', inputParameters };
    const fork = { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [[work('open')], [task]] };
    return new Harness({
      tasks: [fork, { name: 'j', taskReferenceName: 'j', type: 'JOIN' }, work('after')],
      ...more,
    }).start();
  };

  test('COMPLETED ends the run with its output and cancels the rest', () => {
    const h = end(
      { terminationStatus: 'COMPLETED', workflowOutput: { a: 1 } },
      { failureWorkflow: 'undo', outputParameters: { b: 2 } },
    );
    expect(h.run).toMatchObject({ status: 'COMPLETED', openTasks: 0 });
    expect(h.run.output.value).toEqual({ a: 1 });
    expect(h.statuses()).toMatchObject({ e: 'COMPLETED', open: 'CANCELED', j: 'CANCELED' });
    expect(h.effects).toEqual([]);
  });

  test('a scalar output becomes an object, none leaves the definition’s', () => {
    expect(end({ terminationStatus: 'COMPLETED', workflowOutput: 5 }).run.output.value).toEqual({ output: 5 });
    expect(end({ terminationStatus: 'COMPLETED' }, { outputParameters: { b: 2 } }).run.output.value).toEqual({ b: 2 });
  });

  test('FAILED and TERMINATED carry a reason and start the failure workflow', () => {
    for (const terminationStatus of ['FAILED', 'TERMINATED']) {
      const h = end({ terminationStatus, terminationReason: 'enough' }, { failureWorkflow: 'undo' });
      expect(h.run).toMatchObject({ status: terminationStatus, reason: 'enough' });
      expect(h.effects).toMatchObject([
        { kind: 'start-run', start: { name: 'undo', input: { failureStatus: terminationStatus } } },
      ]);
    }
    expect(end({ terminationStatus: 'FAILED' }).run.reason).toMatch(/^Workflow is FAILED by TERMINATE task: /);
  });

  test('a status that an expression made wrong fails it', () => {
    expect(end({ terminationStatus: '${workflow.input.nothing}' }).run.status).toBe('FAILED');
  });
});

describe('DYNAMIC', () => {
  const dynamic = (name: unknown, more: object = {}) =>
    new Harness(
      {
        tasks: [
          {
            name: 'd',
            taskReferenceName: 'd',
            type: 'DYNAMIC',
            dynamicTaskNameParam: 'pick',
            inputParameters: { pick: '${workflow.input.pick}', a: 1 },
          },
          work('after'),
        ],
      },
      { input: { pick: JSON.parse(JSON.stringify(name)), x: 1 }, ...more },
    ).start();

  test('becomes the task that its input names, under that task’s rules', () => {
    const h = dynamic('charge', {
      registered: [{ name: 'charge', retryCount: 1, retryDelaySeconds: 4 }],
      domainOf: (name: string) => name,
    });
    expect(h.task('d')).toMatchObject({ type: 'charge', defName: 'charge', queue: 'charge', domain: 'charge' });
    h.fail('d');
    expect(h.task('d')).toMatchObject({ attempt: 1, type: 'charge', startDelaySeconds: 4 });
    h.advance(4_000);
    h.complete('d');
    expect(h.has('after')).toBe(true);
  });

  test('a system type becomes that', () => {
    expect(dynamic('NOOP').has('after')).toBe(true);
    for (const type of ['HTTP', 'JSON_JQ_TRANSFORM', 'EVENT']) {
      expect(dynamic(type).task('d')).toMatchObject({ type, queue: type, responseTimeoutSeconds: 0 });
    }
  });

  test('a system type that is not run here fails it, and says what to use', () => {
    const h = dynamic('KAFKA_PUBLISH');
    expect(h.task('d')).toMatchObject({ status: 'FAILED_WITH_TERMINAL_ERROR', queue: null });
    expect(h.task('d').reason).toMatch(/^KAFKA_PUBLISH is not a type that this server runs: use a SIMPLE task/);
    expect(h.run.status).toBe('FAILED');
  });

  test.each([[null], [5], [''], ['DO_WHILE']])('%j is no task', (name) => {
    const h = dynamic(name);
    expect(h.task('d').reason).toMatch(/^Cannot map a dynamic task based on the parameter and input/);
    expect(h.run.status).toBe('FAILED');
  });
});

describe('EXCLUSIVE_JOIN', () => {
  const join = {
    name: 'x',
    taskReferenceName: 'x',
    type: 'EXCLUSIVE_JOIN',
    joinOn: ['a', 'b'],
    defaultExclusiveJoinTask: ['first'],
  };
  const choice = (c: string) => ({
    name: 's',
    taskReferenceName: 's',
    type: 'SWITCH',
    evaluatorType: 'value-param',
    expression: 'c',
    inputParameters: { c },
    decisionCases: { a: [work('a')], b: [work('b')] },
  });

  test('takes the output of the listed task that ran', () => {
    const after = work('after', { inputParameters: { v: '${x.output.v}' } });
    const h = new Harness({ tasks: [work('first'), choice('b'), join, after] }).start();
    h.complete('first');
    h.complete('b', { v: 7 });
    expect(h.task('after').input.value).toEqual({ v: 7 });
  });

  test('falls back to its default when none ran', () => {
    const h = new Harness({ tasks: [work('first'), choice('zzz'), join] }).start();
    h.complete('first', { v: 'default' });
    expect(h.task('x').output.value).toEqual({ v: 'default' });
    expect(h.run.status).toBe('COMPLETED');
  });

  test('waits for a listed task that is still open', () => {
    const fork = { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [[work('a')], [work('c')]] };
    const first = { name: 'j', taskReferenceName: 'j', type: 'JOIN', joinOn: ['c'] };
    const only = { ...join, joinOn: ['a'], defaultExclusiveJoinTask: [] };
    const h = new Harness({ tasks: [fork, first, only] }).start();
    h.complete('c');
    expect(h.task('x').status).toBe('IN_PROGRESS');
    h.complete('a', { v: 1 });
    expect(h.task('x').output.value).toEqual({ v: 1 });
    expect(h.run.status).toBe('COMPLETED');
  });
});

test.each([
  ['KAFKA_PUBLISH', { inputParameters: { kafka_request: {} } }, /use a SIMPLE task/],
  ['LLM_CHAT_COMPLETE', {}, /use HTTP to the vendor/],
  ['HTTP_POLL', {}, /use DO_WHILE/],
  ['UPDATE_TASK', {}, /use an EVENT task/],
  ['WAIT_FOR_WEBHOOK', {}, /use WAIT or HUMAN/],
])(
  '%s is not run here: it waits for nobody, fails with what to use instead, and is warned of',
  (type, more, instead) => {
    const tasks = [{ name: 't', taskReferenceName: 't', type, ...more }];
    const h = new Harness({ tasks }).start();
    expect(h.task('t')).toMatchObject({ status: 'FAILED_WITH_TERMINAL_ERROR', queue: null });
    expect(h.task('t').reason).toMatch(instead);
    const definition = workflowDefinitionSchema.parse({ name: 'w', tasks });
    expect(validateDefinition(definition, definition).warnings).toEqual([expect.stringMatching(instead)]);
  },
);
