import { expect, test } from 'vitest';
import { Json } from '../../model/json.ts';
import { Harness } from '../testing/harness.ts';
import { loadFragment, stepOf } from './fragments.ts';
import { unknownTaskProperties } from './unknown-properties.ts';

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

test('unknown properties of a task definition are named', () => {
  expect(unknownTaskProperties({ name: 'n', retryCuont: 3 })).toMatchObject([
    { path: 'retryCuont', suggestion: 'retryCount' },
  ]);
});
