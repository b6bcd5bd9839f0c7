import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../model/error.ts';
import { runFilter, taskFilter } from './search-filter.ts';

const ANY = runFilter(null, null);

function refusal(query: string, filter: typeof runFilter | typeof taskFilter = runFilter): string {
  try {
    filter(query, null);
  } catch (error) {
    if (error instanceof AppError) return `${error.status} ${error.fields.map((field) => field.message).join()}`;
  }
  return 'accepted';
}

describe('the query of a search', () => {
  it('asks for everything when it is empty or a star', () => {
    expect([runFilter('  ', null), runFilter('*', '*')]).toEqual([ANY, ANY]);
    expect(runFilter(null, 'order 7')).toEqual({ ...ANY, text: 'order 7' });
  });

  it('reads fields, lists, quotes and keywords of any case', () => {
    const query = `workflowType="a b" and status IN (FAILED,'TIMED_OUT') AND version in (1, 2) AND priority = 0
      AND correlationId = 'it says "x", (y)=z' AND workflowId IN (01-a:b)`;
    expect(runFilter(query, null)).toEqual({
      ...ANY,
      names: ['a b'],
      statuses: ['FAILED', 'TIMED_OUT'],
      versions: [1, 2],
      priorities: [0],
      correlationIds: ['it says "x", (y)=z'],
      ids: ['01-a:b'],
    });
  });

  it('reads times as ranges that hold both ends', () => {
    const { started, ended, updated } = runFilter(
      'startTime>10 AND startTime<=20 AND endTime<5 AND updateTime="7"',
      '',
    );
    expect([started, ended, updated]).toEqual([
      { fromMs: 11, toMs: 20 },
      { fromMs: 0, toMs: 4 },
      { fromMs: 7, toMs: 7 },
    ]);
  });

  it('reads BETWEEN as a range that holds both ends, and what follows it as another condition', () => {
    const query = 'startTime between 10 and 20 AND status = FAILED AND startTime BETWEEN 15 AND 99';
    expect(runFilter(query, null)).toMatchObject({ started: { fromMs: 15, toMs: 20 }, statuses: ['FAILED'] });
  });

  it('asks for both of two conditions on one field', () => {
    const query = 'workflowType IN (a, b) AND workflowType IN (b, c) AND status = FAILED AND status = RUNNING';
    expect(runFilter(query, null)).toMatchObject({ names: ['b'], statuses: [] });
  });

  it.each([
    ['worflowType = a', 'position 1: nothing is known of a field "worflowType": did you mean "workflowType"?'],
    ['status = FAILED AND taskType = HTTP', 'position 21: nothing is known of a field "taskType": must be one of work'],
    ['constructor = 1', 'position 1: nothing is known of a field "constructor"'],
    ['status = DONE', 'position 10: status must be one of RUNNING, COMPLETED'],
    ['status > FAILED', 'position 1: status is asked for by = or IN, not ">"'],
    ['workflowType = bill*', 'position 16: workflowType must be given whole, without *'],
    ['version = one', 'position 11: version must be a whole number, not "one"'],
    ['startTime > 2026-01-01', 'position 13: startTime must be a time in epoch milliseconds'],
    ['startTime IN (1, 2)', 'position 18: startTime must be one time'],
    ['status = FAILED OR status = RUNNING', 'position 17: AND must stand here, not "OR"'],
    ['status', 'position 7: one of = < > <= >= IN BETWEEN must stand here, not the end'],
    ['startTime BETWEEN 5', 'position 20: AND must stand here, not the end'],
    ['startTime BETWEEN 5 AND soon', 'position 25: startTime must be a time in epoch milliseconds, not "soon"'],
    ['status BETWEEN 1 AND 2', 'position 1: status is asked for by = or IN, not "BETWEEN"'],
    ['status =', 'position 9: a value must stand here, not the end'],
    ['status IN FAILED', 'position 11: "(" must stand here, not "FAILED"'],
    ['status IN (FAILED', 'position 18: "," or ")" must stand here, not the end'],
    ['status = FAILED AND', 'position 20: a field (workflowId, '],
    ['status != FAILED', 'position 8: one of = < > <= >= IN BETWEEN must stand here, not "!="'],
    ['status = "FAILED', 'position 10: the text that begins with " must end with it'],
    ['status ! 1', 'position 8: "!" must stand in quotes'],
    [`workflowId = ${'x'.repeat(10_000)}`, 'must not have more than 10000 characters'],
  ])('refuses %j and says where and how to mend it', (query, message) => {
    expect(refusal(query)).toContain(`400 ${message}`);
  });

  it('reads the fields of tasks, a reference under both of its names', () => {
    const query = `workflowId = w AND workflowType = n AND correlationId = c AND taskId IN (a, b) AND taskType = HTTP AND
      taskDefName = d AND taskReferenceName IN (r, s) AND referenceTaskName = s AND status IN (FAILED, CANCELED) AND
      scheduledTime >= 1 AND startTime > 1 AND endTime <= 9 AND updateTime < 9`;
    const ever = Number.MAX_SAFE_INTEGER;
    expect(taskFilter(query, 'text')).toEqual({
      ...{ ids: ['a', 'b'], runIds: ['w'], names: ['n'], correlationIds: ['c'] },
      ...{ types: ['HTTP'], defNames: ['d'], refs: ['s'], statuses: ['FAILED', 'CANCELED'], text: 'text' },
      ...{ scheduled: { fromMs: 1, toMs: ever }, started: { fromMs: 2, toMs: ever } },
      ...{ ended: { fromMs: 0, toMs: 9 }, updated: { fromMs: 0, toMs: 8 } },
    });
  });

  it.each([
    ['taskTyp = HTTP', 'position 1: nothing is known of a field "taskTyp": did you mean "taskType"?'],
    ['taskId = a AND priority = 1', 'position 16: nothing is known of a field "priority": must be one of workflowId'],
    ['status = RUNNING', 'position 10: status must be one of SCHEDULED, IN_PROGRESS'],
    ['taskDefName = pay*', 'position 15: taskDefName must be given whole, without *'],
    ['scheduledTime = now', 'position 17: scheduledTime must be a time in epoch milliseconds'],
  ])('refuses %j for tasks', (query, message) => {
    expect(refusal(query, taskFilter)).toContain(`400 ${message}`);
  });

  it('never throws anything but an AppError, and reads back what is in quotes', () => {
    const piece = fc.constantFrom(
      ...[
        'workflowType',
        'status',
        'startTime',
        'AND',
        'IN',
        '=',
        '<',
        '>=',
        '!',
        '(',
        ')',
        ',',
        '"',
        "'",
        ' ',
        '7',
        '*',
      ],
    );
    const query = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((pieces) => pieces.join(' ')),
    );
    fc.assert(
      fc.property(query, fc.string({ unit: 'binary', maxLength: 40 }), (text, value) => {
        expect(['accepted', '400 ']).toContain(refusal(text).replace(/^400 .*$/s, '400 '));
        fc.pre(!/^\*|"|\*$/.test(value));
        expect(runFilter(`correlationId = "${value}"`, null).correlationIds).toEqual([value]);
      }),
      { numRuns: 500 },
    );
  });
});
