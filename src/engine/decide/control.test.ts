import { describe, expect, test } from 'vitest';
import { Harness, START_MS } from '../testing/harness.ts';

const work = (ref: string, more: object = {}) => ({ name: 'work', taskReferenceName: ref, ...more });
const TWO = { tasks: [work('a'), work('b')] };

describe('terminate', () => {
  test('K9: marks the run, cancels what waits, schedules nothing more, and starts no failure workflow', () => {
    const h = new Harness({ ...TWO, failureWorkflow: 'undo' }).start();
    h.poll('work');
    const decision = h.send({ kind: 'terminate', reason: 'runaway' });
    expect(decision).toMatchObject({ ended: true, effects: [] });
    expect(h.run).toMatchObject({ status: 'TERMINATED', reason: 'runaway', endedMs: START_MS, openTasks: 0 });
    expect(h.task('a')).toMatchObject({ status: 'CANCELED', endedMs: START_MS });
    h.update('a', { output: { late: true } });
    expect(h.task('a').output.value).toEqual({});
    expect(h.has('b')).toBe(false);
  });

  test('starts the failure workflow where it is asked to, once', () => {
    const h = new Harness({ ...TWO, failureWorkflow: 'undo' }).start();
    const { effects } = h.send({ kind: 'terminate', reason: 'undo it', withFailureWorkflow: true });
    const input = { reason: 'undo it', failureStatus: 'TERMINATED' };
    expect(effects).toMatchObject([{ kind: 'start-run', start: { name: 'undo', input } }]);
    expect(h.run).toMatchObject({ status: 'TERMINATED', reason: 'undo it' });
    expect(h.send({ kind: 'terminate', reason: 'again', withFailureWorkflow: true }).effects).toEqual([]);
  });

  test('of a failed run changes its mark only; of a completed or terminated one nothing', () => {
    const failed = new Harness({ tasks: [work('a', { retryCount: 0 })] }).start();
    failed.fail('a');
    expect(failed.send({ kind: 'terminate', reason: 'seen' })).toMatchObject({ ended: false });
    expect(failed.run).toMatchObject({ status: 'TERMINATED', reason: 'seen' });
    expect(failed.send({ kind: 'terminate', reason: 'again' }).run).toBeNull();
    const done = new Harness({ tasks: [work('a')] }).start();
    done.complete('a');
    expect(done.send({ kind: 'terminate', reason: 'late' }).run).toBeNull();
  });

  test('ends the children of open sub-workflow tasks', () => {
    const h = new Harness({
      tasks: [{ name: 's', taskReferenceName: 's', type: 'SUB_WORKFLOW', subWorkflowParam: { name: 'child' } }],
    }).start();
    const { effects } = h.send({ kind: 'terminate', reason: 'enough' });
    expect(effects).toEqual([
      {
        kind: 'terminate-run',
        runId: h.task('s').subRunId,
        reason: 'Parent workflow has been terminated with reason: enough',
      },
    ]);
  });
});

describe('pause', () => {
  test('keeps what is reported and schedules nothing; resume goes on from there', () => {
    const h = new Harness(TWO).start();
    h.poll('work');
    h.send({ kind: 'pause' });
    expect(h.run.status).toBe('PAUSED');
    h.update('a', { output: { y: 1 } });
    expect(h.task('a')).toMatchObject({ status: 'COMPLETED', executed: false });
    expect(h.has('b')).toBe(false);
    h.send({ kind: 'resume' });
    expect(h.run.status).toBe('RUNNING');
    expect(h.task('b').status).toBe('SCHEDULED');
    h.complete('b');
    expect(h.run.status).toBe('COMPLETED');
  });

  test('holds back retries and failures until resume', () => {
    const h = new Harness({ tasks: [work('a', { retryCount: 1 })] }).start();
    h.send({ kind: 'pause' });
    h.fail('a');
    expect(h.tasks()).toHaveLength(1);
    h.send({ kind: 'resume' });
    expect(h.task('a').attempt).toBe(1);
    h.send({ kind: 'pause' });
    h.advance(60_000);
    h.fail('a');
    expect(h.run.status).toBe('PAUSED');
    h.send({ kind: 'resume' });
    expect(h.run.status).toBe('FAILED');
  });

  test('a WAIT ends while paused, what follows it comes with resume', () => {
    const wait = { name: 'w', taskReferenceName: 'w', type: 'WAIT', inputParameters: { duration: '5s' } };
    const h = new Harness({ tasks: [wait, work('b')] }).start();
    h.send({ kind: 'pause' });
    h.advance(5_000);
    expect(h.task('w').status).toBe('COMPLETED');
    expect(h.has('b')).toBe(false);
    h.send({ kind: 'resume' });
    expect(h.has('b')).toBe(true);
  });

  test('a workflow timeout waits for resume, then holds', () => {
    const h = new Harness({ ...TWO, timeoutSeconds: 60, timeoutPolicy: 'TIME_OUT_WF' }).start();
    h.send({ kind: 'pause' });
    h.advance(60_000);
    expect(h.run).toMatchObject({ status: 'PAUSED', dueMs: 0 });
    h.send({ kind: 'resume' });
    expect(h.run.status).toBe('TIMED_OUT');
  });

  test("a task's timeout that would end the run waits for resume, then ends it", () => {
    const rules = { name: 'work', retryCount: 3, timeoutSeconds: 60, timeoutPolicy: 'TIME_OUT_WF' };
    const h = new Harness({ tasks: [work('a')] }, { taskDefinitions: [{ ...rules, responseTimeoutSeconds: 60 }] });
    h.start().poll('work');
    h.send({ kind: 'pause' });
    h.advance(60_000);
    expect(h.run.status).toBe('PAUSED');
    expect(h.task('a')).toMatchObject({ status: 'IN_PROGRESS', dueMs: 0 });
    h.send({ kind: 'resume' });
    expect(h.run.status).toBe('TIMED_OUT');
    expect(h.task('a').attempt).toBe(0);
  });

  test('twice, or of a run that is not paused, changes nothing', () => {
    const h = new Harness(TWO).start();
    expect(h.send({ kind: 'resume' }).run).toBeNull();
    h.send({ kind: 'pause' });
    expect(h.send({ kind: 'pause' }).run).toBeNull();
  });
});

describe('failure workflow', () => {
  const failing = {
    tasks: [work('a', { retryCount: 0 })],
    failureWorkflow: '${workflow.input.undo}',
    failureWorkflowVersion: 3,
    outputParameters: { x: '${workflow.input.x}' },
  };

  test('starts when the run fails, knowing what failed and why', () => {
    const h = new Harness(failing, { input: { undo: 'compensate', x: 1 } }).start();
    h.fail('a', 'no funds');
    const reason = h.run.reason;
    expect(h.effects).toMatchObject([
      {
        kind: 'start-run',
        start: {
          taskRowId: 0,
          name: 'compensate',
          version: 3,
          parent: { runId: 'run-1', notify: false },
          input: {
            undo: 'compensate',
            x: 1,
            workflowId: 'run-1',
            reason,
            failureStatus: 'FAILED',
            failureTaskId: h.task('a').id,
            failedWorkflow: {
              workflowId: 'run-1',
              workflowName: 'test',
              workflowVersion: 1,
              status: 'FAILED',
              reasonForIncompletion: reason,
              tasks: [{ referenceTaskName: 'a', status: 'FAILED', reasonForIncompletion: 'no funds' }],
            },
          },
        },
      },
    ]);
    const [effect] = h.effects;
    expect(h.run.output.value).toEqual({
      x: 1,
      'conductor.failure_workflow': effect?.kind === 'start-run' && effect.start.id,
    });
  });

  const failed = (output: string) => {
    const h = new Harness({ ...failing, tasks: [work('paid'), ...failing.tasks] }, { input: { undo: 'undo' } }).start();
    h.complete('paid', { charge: output });
    h.fail('a', 'no funds');
    const [effect] = h.effects;
    return { h, input: effect?.kind === 'start-run' ? effect.start.input : undefined };
  };

  test('is told what was done, so that it can be undone; by id alone where that is a lot', () => {
    expect(failed('ch_1').input).toMatchObject({
      failedWorkflow: { tasks: [{ referenceTaskName: 'paid', outputData: { charge: 'ch_1' } }, { status: 'FAILED' }] },
    });
    expect(failed('x'.repeat(2 ** 20)).input).toMatchObject({ failedWorkflow: { workflowId: 'run-1', tasks: null } });
  });

  test('that cannot be started is not named, and the reason says why', () => {
    const { h } = failed('ch_1');
    h.send({ kind: 'child-refused', taskRowId: 0, reason: 'No such workflow defined. name=undo' });
    expect(h.run.output.object).not.toHaveProperty(['conductor.failure_workflow']);
    expect(h.run.reason).toMatch(/no funds'.*the failure workflow was not started: No such workflow defined/);
    expect(h.run.status).toBe('FAILED');
  });

  test('does not start when the run completes', () => {
    const h = new Harness(failing, { input: { undo: 'compensate' } }).start();
    h.complete('a');
    expect(h.effects).toEqual([]);
  });
});

test('decide, asked for by hand, changes nothing in a healthy run', () => {
  const h = new Harness({ tasks: [work('a'), work('b')] }).start();
  h.complete('a');
  expect(h.send({ kind: 'decide' })).toMatchObject({ run: null, inserted: [], updated: [] });
});
