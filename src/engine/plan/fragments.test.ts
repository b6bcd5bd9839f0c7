import { expect, test } from 'vitest';
import { Json } from '../../model/json.ts';
import { taskDefinitionSchema } from '../../model/task-definition.ts';
import { workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { Harness } from '../testing/harness.ts';
import { loadFragment, stepOf } from './fragments.ts';
import { unknownProperties, unknownTaskProperties } from './unknown-properties.ts';

const nested = {
  name: 's',
  taskReferenceName: 's',
  type: 'SWITCH',
  evaluatorType: 'value-param',
  expression: 'c',
  inputParameters: { c: 'x' },
  decisionCases: { x: [{ name: 'work', taskReferenceName: 'inner' }] },
};

test('a branch is compiled from its stored JSON', () => {
  const step = loadFragment(Json.text(JSON.stringify(nested)), {});
  expect(step).toMatchObject({ ref: 's', type: 'SWITCH', container: { kind: 'dynamic' } });
  expect(step.cases.get('x')).toMatchObject({ ref: 'inner', container: { kind: 'case' } });
});

test('a branch is compiled once for all tasks that share its JSON', () => {
  const document = Json.text(JSON.stringify(nested));
  expect(loadFragment(document, {})).toBe(loadFragment(document, {}));
});

test('the step of a stored task is found in the definition and in dynamic branches, after a restart too', () => {
  const fan = {
    name: 'fan',
    taskReferenceName: 'fan',
    type: 'FORK_JOIN_DYNAMIC',
    dynamicForkTasksParam: 'tasks',
    inputParameters: { tasks: [nested] },
  };
  const h = new Harness({ tasks: [fan, { name: 'j', taskReferenceName: 'j', type: 'JOIN' }] }).start();
  h.reload();
  expect(stepOf(h.plan, h.task('j'))).toBe(h.plan.steps.get('j'));
  expect(stepOf(h.plan, h.task('inner'))).toMatchObject({ ref: 'inner', name: 'work' });
  expect(stepOf(h.plan, { ...h.task('j'), step: 'of another definition' })).toBeUndefined();
});

test('properties that nothing acts on are named where they ask for something', () => {
  const nothing = { cacheConfig: null };
  const task = { name: 'a', taskReferenceName: 'a', type: 'SIMPLE', onStateChange: {}, ...nothing };
  const cached = { ...task, cacheConfig: { key: '${a}', ttlInSecond: 60 } };
  const definition = {
    name: 'w',
    tasks: [task, cached],
    ...nothing,
    maskedFields: [],
    rateLimitConfig: { rateLimitKey: 'k' },
  };
  expect(unknownProperties(definition).map(({ message }) => message)).toEqual([
    'rateLimitConfig has no effect: nothing here acts on it',
    'tasks[1].cacheConfig has no effect: nothing here acts on it',
  ]);
  expect(unknownTaskProperties({ name: 'n', inputSchema: { name: 's' }, outputSchema: null })).toMatchObject([
    { path: 'inputSchema', suggestion: null },
  ]);
});

test('what nothing acts on is kept all the same: reading a definition and writing it back loses nothing', () => {
  const sub = { name: 'c', idempotencyKey: 'k', idempotencyStrategy: 'FAIL' };
  const idle = { cacheConfig: { key: '${a}', ttlInSecond: 60 }, onStateChange: { start: [] }, rateLimited: true };
  const task = {
    name: 'a',
    taskReferenceName: 'a',
    type: 'SUB_WORKFLOW',
    ...idle,
    joinStatus: 's',
    subWorkflowParam: sub,
  };
  const schemas = { inputSchema: { name: 'i' }, outputSchema: { name: 'o' }, enforceSchema: false };
  const limits = { rateLimitConfig: { rateLimitKey: 'k' }, maskedFields: ['card'], workflowStatusListenerSink: 'sink' };
  const definition = { name: 'w', tasks: [task], ...schemas, ...limits };
  expect(workflowDefinitionSchema.parse(definition)).toMatchObject(definition);
  const taskDefinition = { name: 'n', baseType: 'b', runtimeMetadata: { secrets: ['s'] }, ...schemas };
  expect(taskDefinitionSchema.parse(taskDefinition)).toMatchObject(taskDefinition);
  expect(unknownProperties(definition).map(({ path }) => path)).toContain('tasks[0].subWorkflowParam.idempotencyKey');
});

test('unknown properties of a task definition are named', () => {
  expect(unknownTaskProperties({ name: 'n', retryCuont: 3 })).toMatchObject([
    { path: 'retryCuont', suggestion: 'retryCount' },
  ]);
});
