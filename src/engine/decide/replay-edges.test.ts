// What makes starting over hard: forks and loops that the run itself spells, and what was given by hand.
import { describe, expect, test } from 'vitest';
import { Json } from '../../model/json.ts';
import { Harness } from '../testing/harness.ts';

const work = (ref: string, more: object = {}) => ({ name: 'work', taskReferenceName: ref, retryCount: 0, ...more });
const typed = (type: string, ref: string, more: object = {}) => ({ name: ref, taskReferenceName: ref, type, ...more });
const join = (ref: string, ...joinOn: string[]) => typed('JOIN', ref, { joinOn });
const skip = (h: Harness, ref: string, output: object = {}) =>
  h.send({ kind: 'skip', ref, input: Json.of({}), output: Json.of({ ...output }) });

/** Completes whatever workers could take until nothing is left; answers with what they took, in order. */
function finish(h: Harness): string[] {
  const done: string[] = [];
  for (let ready = h.ready(); ready.length > 0; ready = h.ready()) {
    for (const task of ready) {
      if (!h.ready().includes(task)) continue;
      done.push(task.ref);
      h.complete(task.ref, { by: task.ref, ...task.input.object });
    }
  }
  return done;
}

describe('a run that starts over from a task', () => {
  test('gives dynamic forks the references they had, in whatever order they were reached', () => {
    const each = (ref: string, item: string) =>
      typed('FORK_JOIN_DYNAMIC', ref, { inputParameters: { forkTaskName: 'work', forkTaskInputs: [{ item }] } });
    const tasks = [
      typed('FORK_JOIN', 'f', {
        forkTasks: [
          [work('a'), each('fa', 'of a'), join('ja')],
          [work('b'), each('fb', 'of b'), join('jb')],
        ],
      }),
      join('j', 'ja', 'jb'),
      work('z'),
    ];
    const h = new Harness({ tasks }).start();
    h.complete('b');
    h.complete('a');
    finish(h);
    const outputs = () => [h.task('ja'), h.task('jb')].map(({ output }) => output.value);
    const before = outputs();
    expect(before).toMatchObject([{ _fa_work_0: { item: 'of a' } }, { _work_0: { item: 'of b' } }]);
    h.rerun('z');
    expect(outputs()).toEqual(before);
    expect(finish(h)).toEqual(['z']);
    h.rerun('a');
    expect(finish(h)).toEqual(['a', '_fa_work_0', 'z']);
    expect(outputs()).toMatchObject([{ _fa_work_0: { item: 'of a' } }, { _work_0: { item: 'of b' } }]);
  });

  test('does not hang on a loop without end that its last life was taken out of', () => {
    const inline = typed('INLINE', 'i', { inputParameters: { evaluatorType: 'javascript', expression: '1' } });
    const endless = [typed('DO_WHILE', 'l', { loopCondition: 'true', loopOver: [inline] })];
    const tasks = [typed('FORK_JOIN', 'f', { forkTasks: [endless, [work('a'), work('b')]] }), join('j', 'l', 'b')];
    const h = new Harness({ tasks }, { checks: false }).start();
    h.complete('a');
    h.send({ kind: 'terminate', reason: null });
    const made = h.tasks().length;
    h.rerun('b');
    expect(h.run.status).toBe('RUNNING');
    expect(h.task('a').status).toBe('COMPLETED');
    expect(h.tasks().length).toBeLessThan(made + 1100);
  });

  test('does a dynamic branch again that has become another', () => {
    const branch = (ref: string, name: string) => ({ name, taskReferenceName: ref, type: 'SIMPLE' });
    const tasks = [
      typed('INLINE', 'list', { inputParameters: { evaluatorType: 'javascript', expression: '$.x' } }),
      typed('FORK_JOIN_DYNAMIC', 'f', {
        inputParameters: { tasks: '${workflow.input.tasks}', inputs: {} },
        dynamicForkTasksParam: 'tasks',
        dynamicForkTasksInputParamName: 'inputs',
      }),
      typed('JOIN', 'j'),
      work('z'),
    ];
    const h = new Harness({ tasks }, { input: { tasks: [branch('x', 'one'), branch('y', 'same')] } }).start();
    finish(h);
    h.input = { tasks: [branch('x', 'two'), branch('y', 'same')] };
    h.rerun('z');
    expect(h.task('x')).toMatchObject({ status: 'SCHEDULED', defName: 'two' });
    expect(finish(h)).toEqual(['x', 'z']);
  });

  test('every attempt of a task that was given an input has it', () => {
    const h = new Harness({ tasks: [work('a', { retryCount: 1, inputParameters: { x: 1 } })] }).start();
    finish(h);
    h.rerun('a', { x: 2 });
    h.reload();
    h.fail('a');
    h.advance(60_000);
    expect(h.task('a')).toMatchObject({ attempt: 1, status: 'SCHEDULED' });
    expect(h.task('a').input.value).toEqual({ x: 2 });
    h.fail('a');
    h.send({ kind: 'retry', resumed: [] });
    expect(h.task('a').input.value).toEqual({ x: 2 });
    finish(h);
    h.rerun('a');
    expect(h.task('a').input.value).toEqual({ x: 1 });
  });
});

describe('an iteration skipped before its turn', () => {
  const loop = (more: object) => typed('DO_WHILE', 'l', { loopCondition: '$.l.iteration < 3', ...more });

  test('is not taken for the latest before it is', () => {
    const reads = { inputParameters: { got: '${e.output.by}' } };
    const h = new Harness({ tasks: [work('a'), loop({ loopOver: [work('e'), work('g', reads)] }), work('z', reads)] });
    h.start();
    skip(h, 'e__3', { by: 'nobody' });
    expect(h.state.latestOfStep.get('e')).toBeUndefined();
    h.complete('a');
    expect(h.state.latestOfStep.get('e')?.ref).toBe('e__1');
    h.reload();
    expect(h.state.latestOfStep.get('e')?.ref).toBe('e__1');
    expect(finish(h)).toEqual(['e__1', 'g__1', 'e__2', 'g__2', 'g__3', 'z']);
    expect(h.state.latestOfStep.get('e')?.ref).toBe('e__3');
    expect(h.task('z').input.value).toEqual({ got: 'nobody' });
    h.reload();
    expect(h.state.latestOfStep.get('e')?.ref).toBe('e__3');
    h.rerun('z');
    expect(h.task('z').input.value).toEqual({ got: 'nobody' });
  });

  test('of a join does not keep the joins before it from being told', () => {
    const tasks = [
      typed('FORK_JOIN', 'f', {
        forkTasks: [
          [work('b')],
          [loop({ loopOver: [typed('FORK_JOIN', 'g', { forkTasks: [[work('c')]] }), join('h', 'c', 'b')] })],
        ],
      }),
      join('j', 'b', 'l'),
    ];
    const h = new Harness({ tasks: [work('a'), ...tasks] }).start();
    h.complete('a');
    skip(h, 'h__3');
    h.complete('c__1');
    h.complete('b');
    expect(h.task('h__1').status).toBe('COMPLETED');
    expect(finish(h)).toEqual(['c__2', 'c__3']);
    expect(h.run.status).toBe('COMPLETED');
  });
});
