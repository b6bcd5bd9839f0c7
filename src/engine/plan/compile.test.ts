import { describe, expect, test } from 'vitest';
import { AppError } from '../../model/error.ts';
import { isJsonObject } from '../../model/json.ts';
import { taskDefinitionSchema } from '../../model/task-definition.ts';
import { workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { compilePlan, taskNamesOf } from './compile.ts';
import { validateDefinition } from './validate-definition.ts';

function compile(definition: object, taskDefinitions: readonly object[] = []) {
  const defs = taskDefinitions.map((one) => taskDefinitionSchema.parse(one));
  const parsed = workflowDefinitionSchema.parse({ name: 'billing', ...definition });
  return compilePlan(parsed, Object.fromEntries(defs.map((one) => [one.name, one])), 's1');
}

function faults(definition: object): string[] {
  try {
    compile(definition);
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_definition') return error.fields.map((one) => one.message);
    throw error;
  }
  return [];
}

const simple = (ref: string, more: object = {}) => ({ name: 'work', taskReferenceName: ref, ...more });
const only = (task: object) => ({ tasks: [{ name: 'x', taskReferenceName: 'x', ...task }] });

describe('registration refuses', () => {
  test('duplicate references, nested ones too', () => {
    const fork = { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [[simple('a')], [simple('b')]] };
    expect(faults({ tasks: [simple('a'), fork] })).toEqual([
      'taskReferenceName: a should be unique across tasks for a given workflowDefinition: billing',
    ]);
  });

  test('an expression that refers to no task', () => {
    expect(
      faults({ tasks: [simple('a', { inputParameters: { x: { deep: ['n: ${nobody.output.y}'] } } })] })[0],
    ).toMatch(/nobody/);
    expect(faults({ tasks: [simple('a')], outputParameters: { x: '${nobody.output.y}' } })[0]).toMatch(/nobody/);
  });

  test('a reference that an iteration of another would carry', () => {
    const loop = {
      name: 'l',
      taskReferenceName: 'l',
      type: 'DO_WHILE',
      loopCondition: 'false',
      loopOver: [simple('a')],
    };
    expect(faults({ tasks: [loop, simple('a__2')] })[0]).toMatch(/a__2 is what an iteration of a is called/);
  });

  test('a JOIN that would wait for ever, or for nobody', () => {
    const fork = { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [[simple('a')]] };
    const join = (joinOn: string[]) => ({ name: 'j', taskReferenceName: 'j', type: 'JOIN', joinOn });
    expect(faults({ tasks: [fork, join(['z'])] })[0]).toMatch(/z is not a task of this definition/);
    expect(faults({ tasks: [fork, join(['later']), simple('later')] })[0]).toMatch(/later runs only after the JOIN/);
    expect(faults({ tasks: [fork, join(['j'])] })[0]).toMatch(/would wait for ever/);
  });

  test.each([
    ['SWITCH without evaluator', { type: 'SWITCH', expression: 'c', decisionCases: { a: [] } }, /evaluatorType/],
    [
      'SWITCH without expression',
      { type: 'SWITCH', evaluatorType: 'value-param', decisionCases: { a: [] } },
      /expression/,
    ],
    ['SWITCH without cases', { type: 'SWITCH', evaluatorType: 'value-param', expression: 'c' }, /case/],
    ['DECISION', { type: 'DECISION', decisionCases: { a: [] } }, /caseValueParam/],
    ['DYNAMIC', { type: 'DYNAMIC' }, /dynamicTaskNameParam/],
    ['FORK_JOIN_DYNAMIC', { type: 'FORK_JOIN_DYNAMIC' }, /dynamicForkTasksParam/],
    ['HTTP', { type: 'HTTP' }, /http_request/],
    ['HTTP without uri', { type: 'HTTP', inputParameters: { http_request: { method: 'GET' } } }, /uri and method/],
    ['DO_WHILE without condition', { type: 'DO_WHILE', loopOver: [simple('a')] }, /loopCondition or items/],
    ['DO_WHILE without body', { type: 'DO_WHILE', loopCondition: 'true' }, /loopOver/],
    ['SUB_WORKFLOW', { type: 'SUB_WORKFLOW' }, /subWorkflowParam/],
    ['START_WORKFLOW', { type: 'START_WORKFLOW' }, /startWorkflow/],
    ['TERMINATE without status', { type: 'TERMINATE' }, /terminationStatus/],
    [
      'TERMINATE optional',
      { type: 'TERMINATE', optional: true, inputParameters: { terminationStatus: 'FAILED' } },
      /optional/,
    ],
    ['LAMBDA', { type: 'LAMBDA' }, /scriptExpression/],
    ['EVENT', { type: 'EVENT' }, /sink/],
    ['KAFKA_PUBLISH', { type: 'KAFKA_PUBLISH' }, /kafka_request/],
    ['JSON_JQ_TRANSFORM', { type: 'JSON_JQ_TRANSFORM' }, /needs queryExpression/],
    [
      'JSON_JQ_TRANSFORM whose program is no text',
      { type: 'JSON_JQ_TRANSFORM', inputParameters: { queryExpression: { a: 1 } } },
      /needs queryExpression/,
    ],
    ['INLINE', { type: 'INLINE' }, /expression/],
    ['WAIT', { type: 'WAIT', inputParameters: { duration: '1s', until: '2030-01-01' } }, /Both 'duration' and 'until'/],
    [
      'inline task definition',
      { taskDefinition: { timeoutSeconds: 5, responseTimeoutSeconds: 9 } },
      /must not exceed timeoutSeconds/,
    ],
  ])('%s', (_name, task, message) => {
    expect(faults(only(task)).join('\n')).toMatch(message);
  });

  test('what is wrong with a definition written inside, at any depth, when the outer one is registered', () => {
    const sub = (ref: string, tasks: object[]) => ({
      name: ref,
      taskReferenceName: ref,
      type: 'SUB_WORKFLOW',
      subWorkflowParam: { name: 'inner', workflowDefinition: { name: 'inner', tasks } },
    });
    expect(faults({ tasks: [sub('outer', [sub('inner', [simple('t', { type: 'EVENT' })])])] })).toEqual([
      expect.stringMatching(
        /^EVENT needs a sink .*\(task t\), in the definition inside inner, in the definition inside outer$/,
      ),
    ]);
    expect(faults({ tasks: [sub('outer', [simple('t', { type: 'my_own_type' })])] })).toEqual([]);
  });

  test('everything at once, each fault with its place', () => {
    try {
      compile({ tasks: [simple('a'), simple('a'), { name: 'h', taskReferenceName: 'h', type: 'HTTP' }] });
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      expect(error.message).toMatch(/unique.*and 1 more/);
      expect(error.fields.map(({ path }) => path)).toEqual([
        'tasks.taskReferenceName',
        'tasks[h].inputParameters.http_request',
      ]);
    }
  });
});

describe('registration accepts', () => {
  test('a type that nobody reserved, as a task for workers', () => {
    expect(compile({ tasks: [simple('t', { type: 'my_own_type' })] }).head.type).toBe('SIMPLE');
    expect(compile({ tasks: [{ name: 'EVENT', taskReferenceName: 'e', type: 'SIMPLE' }] }).head.type).toBe('SIMPLE');
  });

  test('references to a dynamic fork’s tasks, which no definition names', () => {
    const fan = {
      name: 'f',
      taskReferenceName: 'f',
      type: 'FORK_JOIN_DYNAMIC',
      inputParameters: { forkTaskName: 'w', forkTaskInputs: [] },
    };
    const join = { name: 'j', taskReferenceName: 'j', type: 'JOIN' };
    expect(faults({ tasks: [fan, join, simple('a', { inputParameters: { x: '${_w_0.output.y}' } })] })).toEqual([]);
  });

  test('K2: a fork without branches, and JOIN on the fork’s own reference', () => {
    const plan = compile({
      tasks: [
        simple('fetch_customers_task'),
        { name: 'FORK_JOIN', taskReferenceName: 'charge_fork', type: 'FORK_JOIN', forkTasks: [] },
        { name: 'JOIN', taskReferenceName: 'charge_join', type: 'JOIN', joinOn: ['charge_fork'] },
      ],
    });
    expect(plan.steps.get('charge_join')?.anchors).toEqual([]);
  });

  test('K2: a fork without a JOIN, its branches in a flat list', () => {
    const plan = compile({
      tasks: [{ name: 'FORK_JOIN', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [simple('a'), simple('b')] }],
    });
    expect(plan.steps.get('f')).toMatchObject({ gathering: 'implicit' });
    expect(plan.steps.get('f')?.branches.map(({ ref }) => ref)).toEqual(['a', 'b']);
  });

  test('an unknown type as a task for workers', () => {
    expect(compile(only({ type: 'MY_OWN' })).head.type).toBe('SIMPLE');
  });

  test('a name that objects inherit', () => {
    expect(compile({ tasks: [{ name: 'constructor', taskReferenceName: '__proto__' }] }).head.rules.retryCount).toBe(3);
  });
});

describe('rules in force', () => {
  test('a SIMPLE task that nobody registered gets the ad-hoc rules', () => {
    expect(compile({ tasks: [simple('a')] }).head.rules).toMatchObject({
      name: 'work',
      retryCount: 3,
      retryDelaySeconds: 60,
      responseTimeoutSeconds: 3600,
    });
  });

  test('a system task that nobody registered is not retried and owes no answer', () => {
    const http = only({ type: 'HTTP', inputParameters: { uri: 'https://a', method: 'GET' } });
    expect(compile(http).head.rules).toMatchObject({ retryCount: 0, responseTimeoutSeconds: 0 });
    expect(compile(http, [{ name: 'x', retryCount: 2 }]).head.rules).toMatchObject({ retryCount: 2 });
  });

  test('the step’s retryCount wins over its inline definition, that over the registered one', () => {
    const registered = [{ name: 'work', retryCount: 7, retryDelaySeconds: 1, timeoutSeconds: 0 }];
    const inline = { taskDefinition: { retryCount: 5, retryDelaySeconds: 9 } };
    expect(compile({ tasks: [simple('a')] }, registered).head.rules).toMatchObject({
      retryCount: 7,
      retryDelaySeconds: 1,
    });
    expect(compile({ tasks: [simple('a', inline)] }, registered).head.rules).toMatchObject({
      retryCount: 5,
      retryDelaySeconds: 9,
    });
    const step = { ...inline, retryCount: 0 };
    expect(compile({ tasks: [simple('a', step)] }, registered).head.rules).toMatchObject({
      retryCount: 0,
      retryDelaySeconds: 9,
    });
  });

  test('the wire’s workflowTask embeds the task definition', () => {
    const wire: unknown = JSON.parse(
      compile({ tasks: [simple('a')] }, [{ name: 'work', retryCount: 7 }]).head.wireText,
    );
    expect(isJsonObject(wire) && wire.taskDefinition).toMatchObject({ name: 'work', retryCount: 7 });
    expect(wire).toMatchObject({ name: 'work', taskReferenceName: 'a', type: 'SIMPLE', inputParameters: {} });
  });
});

test('taskNamesOf finds every name, nested ones too, once', () => {
  const definition = workflowDefinitionSchema.parse({
    name: 'n',
    tasks: [
      { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [[{ name: 'b1', taskReferenceName: 'b1' }]] },
      {
        name: 's',
        taskReferenceName: 's',
        type: 'SWITCH',
        decisionCases: { a: [{ name: 'c1', taskReferenceName: 'c1' }] },
        defaultCase: [{ name: 'b1', taskReferenceName: 'd1' }],
      },
      { name: 'l', taskReferenceName: 'l', type: 'DO_WHILE', loopOver: [{ name: 'i1', taskReferenceName: 'i1' }] },
    ],
  });
  expect(taskNamesOf(definition).sort()).toEqual(['b1', 'c1', 'f', 'i1', 'l', 's']);
});

test('validation warns of unknown properties at any depth, and says what was probably meant', () => {
  const raw = {
    name: 'n',
    tasks: [
      {
        name: 'f',
        taskReferenceName: 'f',
        type: 'FORK_JOIN',
        forkTasks: [[{ name: 'a', taskReferenceName: 'a', inputParamters: {}, wholly_new: 1 }]],
      },
    ],
    timeoutSecond: 5,
  };
  const { warnings } = validateDefinition(workflowDefinitionSchema.parse(raw), raw);
  expect(warnings).toEqual([
    'timeoutSecond is not a property that is known here; did you mean timeoutSeconds?',
    'tasks[0].forkTasks[0][0].inputParamters is not a property that is known here; did you mean inputParameters?',
    'tasks[0].forkTasks[0][0].wholly_new is not a property that is known here',
    'f: no JOIN follows the fork; the run goes on when all branches have ended',
  ]);
});
