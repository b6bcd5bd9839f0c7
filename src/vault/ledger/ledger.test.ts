// The ledger's promises as properties: the cap is exact under any order of calls and outcomes, in memory as in the rows.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CapWindow, Charge } from '../../model/vault.ts';
import { openTestVault, rowsOf, type TestVault } from '../vault.fixture.ts';
import { windowStart } from './cap-window.ts';
import { KeyTotals, mattersSince } from './key-totals.ts';
import { costBy, settledRow } from './settlement.ts';
import { TaskIdempotency } from './task-idempotency.ts';

describe('the cap', () => {
  let t: TestVault;

  beforeEach(async () => {
    t = await openTestVault();
  });

  afterEach(() => t.close());

  test('spent and reserved never pass it, and reach it when equal charges ask for more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 60 }), async (fits, calls) => {
        const { text, key } = await t.issue({ daily_usd_cap: (fits * 50) / 100 });
        const statuses = await Promise.all(
          Array.from(
            { length: calls },
            async () => (await t.post(text, '/v1/charges', 'amount=50&currency=usd')).status,
          ),
        );
        const passed = Math.min(fits, calls);
        expect(statuses.filter((status) => status === 200)).toHaveLength(passed);
        expect(statuses.filter((status) => status === 429)).toHaveLength(calls - passed);
        expect((await rowsOf(t, key)).totalMicros).toBe(passed * 500_000);
        expect((await t.vault.keys.get(key.id)).usage).toMatchObject({
          spentMicros: passed * 500_000,
          reservedMicros: 0,
        });
      }),
      { numRuns: 15 },
    );
  });

  test('holds over random amounts, declines, lost answers and revocations, and agrees with the rows after a restart', async () => {
    const call = fc.record({
      amount: fc.integer({ min: 1, max: 300 }),
      kind: fc.constantFrom('pay', 'pay', 'pay', 'decline', 'repeat'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.array(fc.constantFrom('error-after', 'reset-after', 'reset-before', 'conflict', 'rate-limit'), {
          maxLength: 6,
        }),
        async (calls, capCents, faults) => {
          const { text, key } = await t.issue({ daily_usd_cap: capCents / 100 });
          for (const fault of faults) t.simulator.inject(fault);
          await Promise.all(
            calls.map(({ amount, kind }, i) => {
              const customer = kind === 'decline' ? 'cus_declined' : `cus_${i}`;
              const name = kind === 'repeat' ? `${key.id}-same-${amount}` : `${key.id}-${i}`;
              const body =
                kind === 'repeat'
                  ? `amount=${amount}&currency=usd`
                  : `amount=${amount}&currency=usd&customer=${customer}`;
              return t.post(text, '/v1/charges', body, ['idempotency-key', name]);
            }),
          );
          const { usage } = await t.vault.keys.get(key.id);
          const counted = usage.spentMicros + usage.reservedMicros;
          expect(counted).toBeLessThanOrEqual(capCents * 10_000);
          expect((await rowsOf(t, key)).totalMicros).toBe(counted);
          // Whatever the vendor really charged is counted.
          const ofKey = t.simulator.charged.filter(({ idempotencyKey }) => idempotencyKey?.startsWith(`${key.id}-`));
          const charged = ofKey.reduce((sum, { amount }) => sum + amount, 0);
          expect(charged * 10_000).toBeLessThanOrEqual(counted);
          expect(charged * 10_000).toBeGreaterThanOrEqual(usage.spentMicros);
          // Faults that nobody met must not meet the next round.
          while (t.simulator.pendingFaults > 0)
            await t.post((await t.issue()).text, '/v1/charges', 'amount=1&currency=usd');
        },
      ),
      { numRuns: 20 },
    );
    const keys = await t.vault.keys.list({ limit: 1000 });
    t = await t.reopen();
    for (const { key, usage } of keys) expect((await t.vault.keys.get(key.id)).usage).toEqual(usage);
  });

  test('holds when commits fail while others are under way, and what was charged is counted', async () => {
    const failure = fc.constantFrom(null, null, null, 'before writing' as const, 'after writing' as const);
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(failure),
        fc.integer({ min: 0, max: 30 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 60 }),
        async (failures, fits, pausesMs) => {
          const { text, key } = await t.issue({ daily_usd_cap: (fits * 50) / 100 });
          t.store.failing = () => failures.next().value ?? null;
          const calls: Promise<number>[] = [];
          for (const [i, pauseMs] of pausesMs.entries()) {
            const named = ['idempotency-key', `${key.id}-${i}`];
            calls.push(t.post(text, '/v1/charges', 'amount=50&currency=usd', named).then(({ status }) => status));
            // Some arrive together, and others while a commit is under way.
            if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
          }
          const statuses = await Promise.all(calls);
          t.store.failing = () => null;
          expect(statuses.filter((status) => ![200, 429, 503].includes(status))).toEqual([]);
          const { totalMicros } = await rowsOf(t, key);
          const { usage } = await t.vault.keys.get(key.id);
          expect(usage.spentMicros + usage.reservedMicros).toBe(totalMicros);
          expect(totalMicros).toBeLessThanOrEqual(fits * 500_000);
          const charged = t.simulator.charged.filter(({ idempotencyKey }) => idempotencyKey?.startsWith(`${key.id}-`));
          expect(charged).toHaveLength(statuses.filter((status) => status === 200).length);
          expect(charged.length * 500_000).toBeLessThanOrEqual(totalMicros);
        },
      ),
      { numRuns: 25 },
    );
    expect(t.store.failures).toBeGreaterThan(20);
  });
});

describe('a vendor object', () => {
  const HOUR_MS = 3_600_000;
  const ids = ['pi_1', 'pi_2', 'pi_3'];
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 40 * HOUR_MS }),
    id: fc.constantFrom(...ids),
    micros: fc.integer({ min: 1, max: 1000 }),
    actual: fc.integer({ min: 1, max: 1000 }),
    restart: fc.boolean(),
  });

  test('is counted at its highest total, over days and restarts, whatever memory has forgotten', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<CapWindow>('utc_day', 'rolling_24h', 'lifetime'),
        fc.array(step, { maxLength: 25 }),
        async (capWindow, steps) => {
          const rows: Charge[] = [];
          let now = Date.UTC(2030, 0, 1);
          const key = { capWindow, createdMs: now };
          let totals = new KeyTotals(key, []);
          const recorded = (id: string) => {
            const of = rows.filter(({ vendorObjectId }) => vendorObjectId === id);
            if (totals.knowsAll(now) || of.length === 0) return undefined;
            return of.reduce((sum, { amountMicros }) => sum + amountMicros, 0);
          };
          const highest = new Map<string, number>();
          steps.forEach(({ afterMs, id, micros, actual, restart }, rowId) => {
            now += afterMs;
            if (restart) {
              const since = mattersSince(capWindow, now);
              totals = new KeyTotals(
                key,
                rows.filter(({ reservedMs }) => reservedMs >= since),
              );
            }
            totals.advance(now);
            const before = highest.get(id) ?? 0;
            const reserved = costBy('total', micros, [id], totals, recorded(id));
            expect(reserved).toBe(Math.max(0, micros - before));
            expect(costBy('once', micros, [id], totals, recorded(id))).toBe(before > 0 ? 0 : micros);
            const open = { ...charge(rowId, reserved, totals.stamp(now)) };
            totals.add(open);
            const settlement = { kind: 'charged', basis: 'total', micros: actual, objectId: id } as const;
            const known = recorded(id);
            const informed = known === undefined ? settlement : { ...settlement, recordedMicros: known };
            const settled = settledRow(open, { settlement: informed, stored: true }, totals, now, true);
            totals.change(settled);
            rows.push(settled);
            highest.set(id, Math.max(before, actual));
            const counted = rows.filter(({ vendorObjectId }) => vendorObjectId === id);
            expect(counted.reduce((sum, { amountMicros }) => sum + amountMicros, 0)).toBe(highest.get(id));
          });
        },
      ),
    );
  });
});

describe('running totals', () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 9 * 3_600_000 }),
    micros: fc.integer({ min: 1, max: 1000 }),
    outcome: fc.constantFrom('settled', 'released', 'uncertain', 'reserved'),
    actual: fc.integer({ min: 0, max: 1000 }),
  });

  test('are what the rows add up to, in every window, at every instant', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<CapWindow>('utc_day', 'rolling_24h', 'lifetime'),
        fc.array(step, { maxLength: 60 }),
        (window, steps) => {
          const totals = new KeyTotals({ capWindow: window, createdMs: 0 }, []);
          const rows = new Map<number, Charge>();
          let now = Date.UTC(2030, 0, 1);
          steps.forEach(({ afterMs, micros, outcome, actual }, i) => {
            now += afterMs;
            totals.advance(now);
            const added = charge(i, micros, totals.stamp(now));
            totals.add(added);
            const changed: Charge = {
              ...added,
              state: outcome,
              amountMicros: outcome === 'released' ? 0 : outcome === 'settled' ? actual : micros,
            };
            totals.change(changed);
            rows.set(i, changed);
            const counted = [...rows.values()].filter(({ reservedMs }) => reservedMs >= windowStart(window, now));
            const sum = (...states: string[]) =>
              counted
                .filter(({ state }) => states.includes(state))
                .reduce((total, { amountMicros }) => total + amountMicros, 0);
            expect(totals.spentMicros).toBe(sum('settled'));
            expect(totals.reservedMicros).toBe(sum('reserved', 'uncertain'));
          });
          const reread = new KeyTotals(
            { capWindow: window, createdMs: 0 },
            [...rows.values()].filter(({ state }) => state !== 'released'),
          );
          totals.advance(now);
          reread.advance(now);
          expect([reread.spentMicros, reread.reservedMicros]).toEqual([totals.spentMicros, totals.reservedMicros]);
        },
      ),
    );
  });

  test('are the same when the rows come from processes whose clocks differ, in any order and in several versions', () => {
    const row = fc.record({
      reservedMs: fc.integer({ min: 0, max: 40 * 3_600_000 }),
      micros: fc.integer({ min: 1, max: 1000 }),
      outcome: fc.constantFrom('settled', 'released', 'uncertain', 'reserved'),
      seenOpen: fc.boolean(),
      afterMs: fc.integer({ min: 0, max: 3_600_000 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom<CapWindow>('utc_day', 'rolling_24h', 'lifetime'),
        fc.array(row, { maxLength: 40 }),
        (window, rows) => {
          const totals = new KeyTotals({ capWindow: window, createdMs: 0 }, []);
          const start = Date.UTC(2030, 0, 1);
          let now = start;
          const last: Charge[] = [];
          rows.forEach(({ reservedMs, micros, outcome, seenOpen, afterMs }, i) => {
            now += afterMs;
            totals.advance(now);
            const first = charge(i, micros, start + reservedMs);
            const final: Charge = { ...first, state: outcome, amountMicros: outcome === 'released' ? 0 : micros };
            if (seenOpen) totals.apply(first);
            totals.apply(final);
            last.push(final);
            const reread = new KeyTotals(
              { capWindow: window, createdMs: 0 },
              last.filter(({ state }) => state !== 'released'),
            );
            totals.advance(now);
            reread.advance(now);
            expect([totals.spentMicros, totals.reservedMicros, totals.openCount]).toEqual([
              reread.spentMicros,
              reread.reservedMicros,
              reread.openCount,
            ]);
            for (const { fingerprint } of last) {
              expect(totals.replayOf(fingerprint)?.rowId).toBe(reread.replayOf(fingerprint)?.rowId);
            }
          });
        },
      ),
    );
  });

  test('know what was counted for an object as long as a restart would read it, and no longer', () => {
    const paid = fc.record({
      afterMs: fc.integer({ min: 0, max: 9 * 3_600_000 }),
      micros: fc.integer({ min: 1, max: 1000 }),
      objectId: fc.constantFrom('pi_1', 'pi_2', 'pi_3'),
    });
    fc.assert(
      fc.property(
        fc.constantFrom<CapWindow>('utc_day', 'rolling_24h', 'lifetime'),
        fc.array(paid, { maxLength: 60 }),
        (window, payments) => {
          const totals = new KeyTotals({ capWindow: window, createdMs: 0 }, []);
          const rows: Charge[] = [];
          let now = Date.UTC(2030, 0, 1);
          payments.forEach(({ afterMs, micros, objectId }, i) => {
            now += afterMs;
            totals.advance(now);
            const open = charge(i, micros, totals.stamp(now));
            const settled: Charge = { ...open, state: 'settled', vendorObjectId: objectId };
            totals.add(open);
            totals.change(settled);
            rows.push(settled);
            const since = mattersSince(window, now);
            for (const id of ['pi_1', 'pi_2', 'pi_3']) {
              const counted = rows.filter((row) => row.vendorObjectId === id && row.reservedMs >= since);
              const sum = counted.reduce((total, { amountMicros }) => total + amountMicros, 0);
              expect(totals.countedFor(id)).toBe(counted.length > 0 ? sum : undefined);
            }
          });
        },
      ),
    );
  });

  test('cost the same however many charges there were', () => {
    const totals = new KeyTotals({ capWindow: 'rolling_24h', createdMs: 0 }, []);
    for (let i = 0; i < 50_000; i += 1) {
      const at = i * 10_000;
      totals.advance(at);
      totals.add(charge(i, 1, at));
      totals.change({ ...charge(i, 1, at), state: 'settled' });
    }
    expect(totals.spentMicros).toBe(8640);
  });
});

describe('derived idempotency keys', () => {
  const task = { runId: 'r', attempt: 0, ref: 'a' };

  test('count up within an attempt and begin anew in the next', () => {
    const ordinals = new TaskIdempotency();
    const keys = (attempt: number) =>
      ['x', 'y', 'z'].map((automatic) => {
        const assigned = ordinals.assign('k', { ...task, attempt }, 'request', automatic, 1);
        assigned.done(true);
        return assigned.key;
      });
    const first = keys(0);
    expect(new Set(first).size).toBe(3);
    expect(keys(1)).toEqual(first);
  });

  test('stay with a call whose answer was lost, and with an SDK that repeats itself', () => {
    const ordinals = new TaskIdempotency();
    const lost = ordinals.assign('k', task, 'request', 'x', 1);
    lost.done(false);
    expect(ordinals.assign('k', task, 'request', 'y', 1).key).toBe(lost.key);
    const next = ordinals.assign('k', task, 'request', 'z', 1);
    expect(next.key).not.toBe(lost.key);
    expect(ordinals.assign('k', task, 'request', 'z', 1).key).toBe(next.key);
  });

  test('differ by run, reference name and request', () => {
    const ordinals = new TaskIdempotency();
    const keys = [
      ordinals.assign('k', task, 'request', null, 1),
      ordinals.assign('k', { ...task, runId: 's' }, 'request', null, 1),
      ordinals.assign('k', { ...task, ref: 'b' }, 'request', null, 1),
      ordinals.assign('k', task, 'other', null, 1),
    ].map(({ key }) => key);
    expect(new Set(keys).size).toBe(4);
  });
});

function charge(rowId: number, amountMicros: number, reservedMs: number): Charge {
  return {
    ...{
      rowId,
      keyId: 'k',
      state: 'reserved',
      amountMicros,
      reservedMs,
      settledMs: 0,
      fingerprint: `f${rowId}`,
      bodyDigest: '',
    },
    ...{
      idempotencyKey: '',
      runId: null,
      ref: null,
      attempt: 0,
      requestId: '',
      method: 'POST',
      path: '',
      body: '',
      vendorObjectId: null,
    },
  };
}
