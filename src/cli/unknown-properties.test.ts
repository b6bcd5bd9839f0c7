import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../model/json.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';
import { unknownProperties } from './unknown-properties.ts';

function found(document: JsonObject) {
  return unknownProperties(document, workflowDefinitionSchema.parse(document));
}

const TASK = { name: 't', taskReferenceName: 't', type: 'SIMPLE' };

describe('unknown properties', () => {
  test('a right definition has none, whatever stands in its free-form parts', () => {
    const inputParameters = { anything: { goes: [{ here: null }] } };
    expect(
      found({ name: 'w', tasks: [{ ...TASK, inputParameters }], metadata: { mine: 1 }, ownerEmail: null }),
    ).toEqual([]);
  });

  test('each is named by its path, with the word that was meant', () => {
    expect(found({ name: 'w', timeoutSecond: 5, tasks: [{ ...TASK, retryCuont: 3 }] })).toEqual([
      { path: 'timeoutSecond', suggestion: 'timeoutSeconds' },
      { path: 'tasks[0].retryCuont', suggestion: 'retryCount' },
    ]);
  });

  test('nested tasks are looked into, and a flat fork list too', () => {
    const fork = {
      name: 'f',
      taskReferenceName: 'f',
      type: 'FORK_JOIN',
      forkTasks: [
        { ...TASK, taskReferenceName: 'a', optinal: true },
        [{ ...TASK, taskReferenceName: 'b', inputs: {} }],
      ],
    };
    const loop = { name: 'l', taskReferenceName: 'l', type: 'DO_WHILE', loopOver: [{ ...TASK, strtDelay: 1 }] };
    expect(found({ name: 'w', tasks: [fork, loop] }).map((property) => property.path)).toEqual([
      'tasks[0].forkTasks[0].optinal',
      'tasks[0].forkTasks[1][0].inputs',
      'tasks[1].loopOver[0].strtDelay',
    ]);
  });
});
