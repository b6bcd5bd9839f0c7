import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../engine/plan/compile.ts';
import { EMPTY_OBJECT, Json } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import { workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { runStatusText, runText } from './run-text.ts';
import { handedTaskText, taskText } from './task-text.ts';

const run: Run = {
  rowId: 1,
  id: 'run-1',
  rootId: 'run-1',
  snapshotId: 's',
  name: 'bill"ing',
  version: 3,
  correlationId: null,
  priority: 7,
  taskToDomain: { charge: 'eu' },
  createdBy: null,
  parent: null,
  idempotencyKey: null,
  input: Json.text('{"a":null,"exact":12345678901234567890.10}'),
  createdMs: 1000,
  status: 'RUNNING',
  output: EMPTY_OBJECT,
  variables: Json.text('{"v":1}'),
  reason: null,
  failedRefs: [],
  failedNames: [],
  updatedMs: 1500,
  endedMs: 0,
  lastRetriedMs: 0,
  dueMs: 0,
  lastSeq: 1,
  openTasks: 1,
  sequenceDone: false,
};

const task: Task = {
  rowId: 5,
  id: 'task-1',
  runRowId: 1,
  ref: 'charge__2',
  step: 'charge',
  scope: '__2',
  iteration: 2,
  type: 'charge',
  defName: 'charge',
  queue: 'charge',
  domain: null,
  seq: 4,
  attempt: 1,
  retriedTaskId: 'task-0',
  input: Json.text('{"key":"${workflow.vault.stripe.key}","n":null}'),
  fragment: null,
  forkRowId: 0,
  responseTimeoutSeconds: 3600,
  startDelaySeconds: 0,
  scheduledMs: 1000,
  firstScheduledMs: 900,
  status: 'IN_PROGRESS',
  output: EMPTY_OBJECT,
  reason: null,
  workerId: 'w"1',
  pollCount: 1,
  callbackAfterSeconds: 0,
  startedMs: 1200,
  endedMs: 0,
  updatedMs: 1200,
  visibleMs: 0,
  dueMs: 0,
  retried: false,
  executed: false,
  waiting: 0,
  subRunId: null,
};

const definition = workflowDefinitionSchema.parse({
  name: 'billing',
  tasks: [{ name: 'charge', taskReferenceName: 'charge' }],
});
const step = compilePlan(definition, {}, 's').head;

describe('a task on the wire', () => {
  it('tells of a loop which round it is in', () => {
    const loop = { ...task, type: 'DO_WHILE', iteration: 0, output: Json.of({ iteration: 3 }) };
    expect(JSON.parse(taskText(loop, run, null))).toMatchObject({ iteration: 3, loopOverTask: true });
    const begun = { ...loop, output: Json.of({}) };
    expect(JSON.parse(taskText(begun, run, null))).toMatchObject({ iteration: 0, loopOverTask: false });
  });

  it('carries what the SDKs need, omits null properties and keeps null map values', () => {
    const wire = JSON.parse(taskText(task, run, step));
    expect(wire).toEqual({
      taskId: 'task-1',
      taskType: 'charge',
      taskDefName: 'charge',
      referenceTaskName: 'charge__2',
      status: 'IN_PROGRESS',
      inputData: { key: '${workflow.vault.stripe.key}', n: null },
      outputData: {},
      retryCount: 1,
      seq: 4,
      pollCount: 1,
      iteration: 2,
      loopOverTask: true,
      workflowInstanceId: 'run-1',
      workflowType: 'bill"ing',
      workflowPriority: 7,
      scheduledTime: 1000,
      startTime: 1200,
      endTime: 0,
      updateTime: 1200,
      queueWaitTime: 200,
      startDelayInSeconds: 0,
      callbackAfterSeconds: 0,
      callbackFromWorker: true,
      responseTimeoutSeconds: 3600,
      retried: false,
      executed: false,
      subworkflowChanged: false,
      workerId: 'w"1',
      retriedTaskId: 'task-0',
      rateLimitPerFrequency: 0,
      rateLimitFrequencyInSeconds: 1,
      workflowTask: JSON.parse(step.wireText),
    });
  });

  it('is handed out with its filled input, while the history keeps the placeholder', () => {
    const filled = Json.text('{"key":"vk_live"}');
    expect(JSON.parse(handedTaskText({ task, run, step, input: filled, outputs: () => ({}) })).inputData).toEqual({
      key: 'vk_live',
    });
    expect(JSON.parse(taskText(task, run, step)).inputData.key).toBe('${workflow.vault.stripe.key}');
  });

  it('shows what is set: correlation, domain, reason, child', () => {
    const full = { ...task, domain: 'eu', reason: 'a "b"\n', subRunId: 'run-2', status: 'FAILED' as const };
    expect(JSON.parse(taskText(full, { ...run, correlationId: 'c' }, null))).toMatchObject({
      correlationId: 'c',
      domain: 'eu',
      reasonForIncompletion: 'a "b"\n',
      subWorkflowId: 'run-2',
      status: 'FAILED',
    });
  });
});

describe('an execution on the wire', () => {
  it('omits null properties, keeps zeros, empty lists and the exact text of payloads', () => {
    const text = runText(run, [taskText(task, run, null)], '{"name":"billing"}');
    expect(text).toContain('"input":{"a":null,"exact":12345678901234567890.10}');
    const wire = JSON.parse(text);
    expect(wire.tasks).toHaveLength(1);
    expect(wire).toMatchObject({
      workflowId: 'run-1',
      workflowName: 'bill"ing',
      workflowVersion: 3,
      status: 'RUNNING',
      priority: 7,
      createTime: 1000,
      startTime: 1000,
      updateTime: 1500,
      endTime: 0,
      output: {},
      variables: { v: 1 },
      taskToDomain: { charge: 'eu' },
      failedReferenceTaskNames: [],
      failedTaskNames: [],
      workflowDefinition: { name: 'billing' },
    });
    for (const absent of [
      'correlationId',
      'reasonForIncompletion',
      'parentWorkflowId',
      'idempotencyKey',
      'createdBy',
    ]) {
      expect(wire).not.toHaveProperty(absent);
    }
  });

  it('has a status that shows data only when asked', () => {
    expect(JSON.parse(runStatusText(run, false, false))).toEqual({ workflowId: 'run-1', status: 'RUNNING' });
    expect(JSON.parse(runStatusText({ ...run, correlationId: 'c' }, true, true))).toEqual({
      workflowId: 'run-1',
      correlationId: 'c',
      status: 'RUNNING',
      output: {},
      variables: { v: 1 },
    });
  });
});
