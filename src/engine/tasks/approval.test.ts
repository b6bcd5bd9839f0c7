import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Vote, vote } from '../../model/approval-vote.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { Harness, START_MS } from '../testing/harness.ts';

const DAY_MS = 86_400_000;

const definition = (config: JsonValue) => ({
  tasks: [
    {
      name: 'hitl',
      taskReferenceName: 'a',
      type: 'APPROVAL',
      inputParameters: { agent: 'hitl', input: { sum: 5 }, config },
    },
    { name: 'next', taskReferenceName: 'n' },
  ],
});
const ask = (config: JsonValue, input: JsonObject = {}) => new Harness(definition(config), { input }).start();

/** Votes as a caller of the engine does: the ruling, and the update that it gives. */
function cast(h: Harness, approver: string, decision: Vote['decision'], more: Partial<Vote> = {}): string {
  const ruling = vote(h.task('a'), { approver, decision, ...more }, h.nowMs);
  if ('refused' in ruling) return ruling.refused;
  h.update('a', { status: ruling.status, output: ruling.output });
  return ruling.status;
}

describe('APPROVAL', () => {
  test('waits from the start, and says until when', () => {
    const h = ask({});
    expect(h.task('a')).toMatchObject({ status: 'IN_PROGRESS', startedMs: START_MS, dueMs: START_MS + DAY_MS });
    expect(h.task('a').output.value).toEqual({ status: 'suspended', approvals: [], expiresAt: START_MS + DAY_MS });
    expect(h.has('n')).toBe(false);
    expect(h.ready()).toEqual([]);
  });

  test('one approval is enough unless more are asked for', () => {
    const h = ask({});
    h.advance(5);
    expect(cast(h, 'ann', 'approve', { feedback: 'fine', data: { limit: 3 } })).toBe('COMPLETED');
    expect(h.task('a').output.value).toEqual({
      status: 'approved',
      approved: true,
      rejected: false,
      approvals: [{ approver: 'ann', decision: 'approve', feedback: 'fine', data: { limit: 3 }, at: START_MS + 5 }],
      reason: null,
      feedback: 'fine',
      data: { limit: 3 },
      timedOut: false,
    });
    expect(h.has('n')).toBe(true);
  });

  test('takes as many distinct approvers as it asks for, over a restart between them', () => {
    const h = ask({ approvers: ['ann', 'bob', 'cid'], minApprovals: 2, timeout: 1000 });
    expect(cast(h, 'ann', 'approve')).toBe('IN_PROGRESS');
    h.reload();
    expect(h.task('a')).toMatchObject({ status: 'IN_PROGRESS', dueMs: START_MS + 1000 });
    expect(cast(h, 'ann', 'approve')).toBe('IN_PROGRESS');
    expect(h.task('a').output.object.approvals).toHaveLength(1);
    h.advance(999);
    expect(cast(h, 'cid', 'approve')).toBe('COMPLETED');
    expect(h.task('a').output.object).toMatchObject({
      approved: true,
      approvals: [{ approver: 'ann' }, { approver: 'cid' }],
    });
  });

  test('one rejection ends it, and its reason is what was said', () => {
    const h = ask({ minApprovals: 3 });
    cast(h, 'ann', 'approve');
    expect(cast(h, 'bob', 'reject', { feedback: 'too dear' })).toBe('COMPLETED');
    expect(h.task('a').output.object).toMatchObject({
      status: 'rejected',
      approved: false,
      rejected: true,
      reason: 'too dear',
    });
    expect(h.has('n')).toBe(true);
    const silent = ask({});
    cast(silent, 'bob', 'reject');
    expect(silent.task('a').output.object).toMatchObject({ reason: 'Rejected by bob', feedback: null });
  });

  test('refuses whoever is not asked, who changes their mind, who uses a token twice, and who comes late', () => {
    const h = ask({ approvers: ['ann', 'bob'], minApprovals: 2, timeout: 1000 });
    expect(cast(h, 'eve', 'approve')).toBe('forbidden');
    expect(cast(h, 'Ann', 'approve')).toBe('forbidden');
    expect(cast(h, '', 'approve')).toBe('forbidden');
    expect(cast(h, 'ann', 'approve', { once: true })).toBe('IN_PROGRESS');
    expect(cast(h, 'ann', 'approve', { once: true })).toBe('conflict');
    expect(cast(h, 'ann', 'reject')).toBe('conflict');
    expect(h.task('a').output.object.approvals).toHaveLength(1);
    // The timer of a busy server may be late; the vote is no less so.
    h.nowMs += 1000;
    expect(cast(h, 'bob', 'approve')).toBe('conflict');
    h.advance(0);
    expect(h.task('a').status).toBe('COMPLETED');
    expect(cast(h, 'bob', 'approve')).toBe('conflict');
    expect(cast(h, 'eve', 'approve')).toBe('forbidden');
  });

  test('bounds what a vote may hold', () => {
    const h = ask({});
    expect(cast(h, '', 'approve')).toBe('invalid_request');
    expect(cast(h, 'x'.repeat(201), 'approve')).toBe('invalid_request');
    expect(cast(h, 'ann', 'approve', { feedback: 'x'.repeat(10_001) })).toBe('invalid_request');
    expect(h.task('a').output.object.approvals).toEqual([]);
  });

  test.each([
    ['reject', 'COMPLETED', false, true],
    ['approve', 'COMPLETED', true, false],
    ['fail', 'FAILED_WITH_TERMINAL_ERROR', false, false],
  ])(
    'when its time is over it does as onTimeout: %s says, also after a restart',
    (onTimeout, status, approved, rejected) => {
      const h = ask({ timeout: 5000, onTimeout, minApprovals: 2 });
      cast(h, 'ann', 'approve');
      h.reload();
      h.advance(4999);
      expect(h.task('a').status).toBe('IN_PROGRESS');
      h.advance(1);
      expect(h.task('a')).toMatchObject({ status, endedMs: START_MS + 5000 });
      expect(h.task('a').output.value).toEqual({
        status: 'timeout',
        approved,
        rejected,
        approvals: [{ approver: 'ann', decision: 'approve', feedback: null, data: null, at: START_MS }],
        reason: 'Nobody decided in time',
        feedback: null,
        data: null,
        timedOut: true,
      });
      expect(h.has('n')).toBe(onTimeout !== 'fail');
      expect(h.run.status).toBe(onTimeout === 'fail' ? 'FAILED' : 'RUNNING');
    },
  );

  test('rejects in silence unless told otherwise', () => {
    const h = ask({ timeout: 1 });
    h.advance(1);
    expect(h.task('a').output.object).toMatchObject({ status: 'timeout', rejected: true });
  });

  test.each<[JsonObject, string]>([
    [{ approvers: 'ann' }, 'approvers must be a list of names'],
    [{ approvers: ['ann', 7] }, 'approvers must be a list of names'],
    [{ approvers: ['ann', 'ann'], minApprovals: 2 }, 'minApprovals is 2, but there are only 1 approvers'],
    [{ minApprovals: 0 }, 'minApprovals must be'],
    [{ minApprovals: 1.5 }, 'minApprovals must be'],
    [{ timeout: -1 }, 'timeout must be'],
    [{ timeout: 1e300 }, 'timeout must be'],
    [{ onTimeout: 'shrug' }, 'onTimeout must be'],
  ])('does not load with the config %j', (config, message) => {
    expect(() => ask(config)).toThrow(message);
  });

  test('fails for good when an expression gave what cannot be', () => {
    const h = ask({ approvers: '${workflow.input.who}' }, { who: 'everybody' });
    expect(h.task('a')).toMatchObject({
      status: 'FAILED_WITH_TERMINAL_ERROR',
      reason: 'approvers must be a list of names',
    });
    expect(ask({ approvers: '${workflow.input.who}' }, { who: ['ann'] }).task('a').status).toBe('IN_PROGRESS');
  });

  test('what a voter sends stays data', () => {
    const h = ask({});
    cast(h, 'ann', 'approve', { data: { __proto__: { approved: false }, text: '${workflow.input.secret}' } });
    expect(h.task('a').output.object).toMatchObject({ approved: true, data: { text: '${workflow.input.secret}' } });
  });
});

describe('votes in any order', () => {
  const names = fc.constantFrom('ann', 'bob', 'cid', 'dot', 'eve');
  const votes = fc.array(
    fc.record({
      approver: names,
      decision: fc.constantFrom<Vote['decision']>('approve', 'approve', 'reject'),
      once: fc.boolean(),
      restart: fc.boolean(),
    }),
    {
      maxLength: 12,
    },
  );
  const approvers = fc.uniqueArray(names, { maxLength: 4 });

  test('come to what a count on paper comes to', () => {
    fc.assert(
      fc.property(approvers, fc.integer({ min: 1, max: 4 }), votes, (allowed, wanted, cast_) => {
        const minApprovals = allowed.length > 0 ? Math.min(wanted, allowed.length) : wanted;
        const h = ask({ approvers: allowed, minApprovals });
        const yes = new Set<string>();
        let result: 'open' | 'approved' | 'rejected' = 'open';
        for (const { approver, decision, once, restart } of cast_) {
          if (restart) h.reload();
          const mayVote = allowed.length === 0 || allowed.includes(approver);
          const repeats = yes.has(approver);
          const counts = mayVote && result === 'open' && !repeats;
          const repeatsWell = mayVote && result === 'open' && repeats && decision === 'approve' && !once;
          const before = h.task('a').output.text;
          const answer = cast(h, approver, decision, { once });
          expect(['COMPLETED', 'IN_PROGRESS'].includes(answer)).toBe(counts || repeatsWell);
          if (!counts) expect(h.task('a').output.text).toBe(before);
          else if (decision === 'reject') result = 'rejected';
          else if (yes.add(approver).size >= minApprovals) result = 'approved';
        }
        const output = h.task('a').output.object;
        expect(output.status).toBe(result === 'open' ? 'suspended' : result);
        expect(h.has('n')).toBe(result !== 'open');
        expect(output.approvals).toHaveLength(yes.size + (result === 'rejected' ? 1 : 0));
      }),
      { numRuns: 300 },
    );
  });
});
