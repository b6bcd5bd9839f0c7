import { expect, test } from 'vitest';
import { Wakeups } from './wakeups.ts';

const clock = { now: () => Date.now() };

test('an alarm that nobody could answer rings again when it is set anew', async () => {
  let rung = 0;
  let heard = () => {};
  const next = () =>
    new Promise<void>((resolve) => {
      heard = resolve;
    });
  const wakeups = new Wakeups(clock, () => {
    rung += 1;
    heard();
  });
  const first = next();
  wakeups.queueAt('a', clock.now() + 1);
  await first;
  // Busy with another alarm: the queue was not taken.
  const second = next();
  wakeups.rearm(undefined);
  await second;
  expect(rung).toBe(2);
  expect(wakeups.takeDueQueues(clock.now() + 1)).toEqual(['a']);
  expect(wakeups.takeDueQueues(clock.now() + 1)).toEqual([]);
  wakeups.stop();
});

test('an earlier instant moves the alarm, a later one does not', async () => {
  const rings: number[] = [];
  await new Promise<void>((resolve) => {
    const wakeups = new Wakeups(clock, () => {
      rings.push(1);
      wakeups.stop();
      resolve();
    });
    wakeups.arm(clock.now() + 3_600_000);
    wakeups.arm(clock.now() + 1);
    wakeups.arm(clock.now() + 7_200_000);
  });
  expect(rings).toHaveLength(1);
});
