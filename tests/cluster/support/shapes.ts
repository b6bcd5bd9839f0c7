// The shapes of run that the load is mixed of: definitions, inputs, and what each must end with, computed without the
// engine. Workers add one, so a run's output says whether every step was applied exactly once.

import { CAP_USD, CHARGES_ALLOWED } from './payer.ts';

/** Workers' answers that are lost time a task out after this. */
export const RESPONSE_SECONDS = 5;
export const RETRY_SECONDS = 1;
/** Of the task types below, each with rules of its own but one set for all. */
export const TASK_TYPES = ['add', 'flaky', 'slow', 'gather', 'doomed', 'pay'] as const;

export interface Expected {
  readonly status: 'COMPLETED' | 'FAILED' | 'TERMINATED';
  readonly value?: number;
}

export interface Shape {
  readonly definition: { readonly name: string; readonly tasks: readonly object[]; readonly budget?: object };
  /** Beside `value`. */
  readonly input?: (value: number) => object;
  readonly expected: (value: number) => Expected;
  /** Its run is terminated by an operator. */
  readonly stopped?: true;
}

type Parameters = Readonly<Record<string, unknown>>;

const START = '${workflow.input.value}';
const step = (name: string, ref: string, inputParameters: Parameters) => {
  return { name, taskReferenceName: ref, type: 'SIMPLE', inputParameters };
};
const add = (ref: string, value: string = START) => step('add', ref, { value });
const flaky = (ref: string, value: string = START, fails = 1) => step('flaky', ref, { value, fails });
const gather = (ref: string, parts: unknown) => step('gather', ref, { parts });
const wait = (ref: string, duration: string) => {
  return { name: ref, taskReferenceName: ref, type: 'WAIT', inputParameters: { duration } };
};
const fork = (ref: string, ...forkTasks: object[][]) => {
  return { name: ref, taskReferenceName: ref, type: 'FORK_JOIN', forkTasks };
};
const join = (ref: string, ...joinOn: string[]) => ({ name: ref, taskReferenceName: ref, type: 'JOIN', joinOn });
const child = (ref: string, name: string) => {
  const inputParameters = { value: START };
  return { name: ref, taskReferenceName: ref, type: 'SUB_WORKFLOW', subWorkflowParam: { name }, inputParameters };
};

function shape(name: string, tasks: readonly object[], from: string, rest: Omit<Shape, 'definition'>): Shape {
  return { ...rest, definition: define(name, tasks, from) };
}

function define(name: string, tasks: readonly object[], from: string) {
  return { name, tasks, outputParameters: { value: `\${${from}.output.value}` } };
}

const completed = (value: number): Expected => ({ status: 'COMPLETED', value });

/** Sub-workflows, with what they must end with when started on `value`. */
export const CHILDREN: readonly Shape[] = [
  shape('leaf', [add('only')], 'only', { expected: (value) => completed(value + 1) }),
  shape('nap', [add('before'), wait('sleep', '2s'), flaky('after', '${before.output.value}')], 'after', {
    expected: (value) => completed(value + 2),
  }),
  shape('hopeless', [step('doomed', 'try', {})], 'try', { expected: () => ({ status: 'FAILED' }) }),
];

const dynamicBranches = (value: number) => 2 + (value % 5);

const dynamicFork = {
  name: 'spread',
  taskReferenceName: 'spread',
  type: 'FORK_JOIN_DYNAMIC',
  inputParameters: { tasks: '${workflow.input.tasks}', inputs: '${workflow.input.inputs}' },
  dynamicForkTasksParam: 'tasks',
  dynamicForkTasksInputParamName: 'inputs',
};

function dynamicInput(value: number): object {
  const refs = Array.from({ length: dynamicBranches(value) }, (_, i) => `branch${i}`);
  return {
    tasks: refs.map((ref, i) => step(i === 0 ? 'flaky' : 'add', ref, { fails: 1 })),
    inputs: Object.fromEntries(refs.map((ref) => [ref, { value }])),
  };
}

const choice = {
  name: 'choice',
  taskReferenceName: 'choice',
  type: 'SWITCH',
  evaluatorType: 'value-param',
  expression: 'lane',
  inputParameters: { lane: '${workflow.input.lane}' },
  decisionCases: { left: [add('left')], right: [wait('nap', '1s'), add('right')] },
  defaultCase: [flaky('other')],
};

/** `echoUrl`: answers `{"value": n + 1}` to `?value=n`. */
export function shapesFor(echoUrl: string): readonly Shape[] {
  const call = {
    name: 'call',
    taskReferenceName: 'call',
    type: 'HTTP',
    inputParameters: { http_request: { method: 'GET', uri: `${echoUrl}?run=\${workflow.workflowId}&value=${START}` } },
  };
  const branches = ['a', 'b', 'c'].map((ref) => [add(ref)]);
  return [
    shape('chain', [add('one'), wait('pause', '3s'), add('two', '${one.output.value}')], 'two', {
      expected: (value) => completed(value + 2),
    }),
    shape('fork', [fork('split', ...branches), join('meet', 'a', 'b', 'c'), gather('sum', '${meet.output}')], 'sum', {
      expected: (value) => completed(3 * (value + 1)),
    }),
    shape('dynamic', [dynamicFork, join('meet'), gather('sum', '${meet.output}')], 'sum', {
      input: dynamicInput,
      expected: (value) => completed(dynamicBranches(value) * (value + 1)),
    }),
    shape('parent', [child('inner', 'nap'), add('last', '${inner.output.value}')], 'last', {
      expected: (value) => completed(value + 3),
    }),
    shape(
      'family',
      [
        fork('split', [child('x', 'leaf')], [child('y', 'leaf')], [child('z', 'leaf')]),
        join('meet', 'x', 'y', 'z'),
        gather('sum', '${meet.output}'),
      ],
      'sum',
      { expected: (value) => completed(3 * (value + 1)) },
    ),
    shape('retried', [flaky('first', START, 2), step('slow', 'last', { value: '${first.output.value}' })], 'last', {
      expected: (value) => completed(value + 2),
    }),
    shape('doomed', [add('first'), step('doomed', 'try', {})], 'try', { expected: () => ({ status: 'FAILED' }) }),
    shape('bereaved', [child('inner', 'hopeless'), add('never')], 'never', {
      expected: () => ({ status: 'FAILED' }),
    }),
    shape('http', [call, add('last', '${call.output.response.body.value}')], 'last', {
      expected: (value) => completed(value + 2),
    }),
    shape(
      'switch',
      [
        choice,
        gather(
          'sum',
          ['left', 'right', 'other'].map((ref) => `\${${ref}.output}`),
        ),
      ],
      'sum',
      {
        input: (value) => ({ lane: ['left', 'right', 'neither'][value % 3] }),
        expected: (value) => completed(value + 1),
      },
    ),
    paid,
    shape('stopped', [add('first'), wait('long', '1 hours'), add('never')], 'never', {
      stopped: true,
      expected: () => ({ status: 'TERMINATED' }),
    }),
  ];
}

const paid: Shape = {
  definition: {
    ...define('paid', [step('pay', 'pay', { key: '${workflow.vault.stripe.key}' })], 'pay'),
    budget: {
      stripe: {
        capUsd: CAP_USD,
        allowedEndpoints: ['POST /v1/payment_intents'],
        capWindow: 'lifetime',
        expiresIn: '2h',
      },
    },
  },
  expected: () => completed(CHARGES_ALLOWED),
};

export const TASK_DEFINITIONS = [...TASK_TYPES, 'call'].map((name) => ({
  name,
  retryCount: 100,
  retryDelaySeconds: RETRY_SECONDS,
  timeoutSeconds: 0,
  // That the replica of an HTTP task is gone must be noticed without it.
  responseTimeoutSeconds: name === 'call' ? 3600 : RESPONSE_SECONDS,
}));
