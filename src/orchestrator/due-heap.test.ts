import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueHeap } from './due-heap.ts';

test('takes what is due in order, whatever was set, moved and removed before', () => {
  const step = fc.record({ key: fc.integer({ min: 1, max: 30 }), at: fc.integer({ min: 0, max: 100 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 0, max: 100 }), (steps, now) => {
      const heap = new DueHeap();
      const model = new Map<number, number>();
      for (const { key, at } of steps) {
        heap.set(key, at);
        if (at === 0) model.delete(key);
        else model.set(key, at);
      }
      expect(heap.size).toBe(model.size);
      expect(heap.next).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
      const taken = heap.takeDue(now, 1000);
      const expected = [...model].filter(([, at]) => at <= now);
      expect(taken.map((key) => model.get(key))).toEqual(expected.map(([, at]) => at).sort((a, b) => a - b));
      expect(new Set(taken)).toEqual(new Set(expected.map(([key]) => key)));
      expect(heap.size).toBe(model.size - expected.length);
    }),
  );
});

test('takes no more than asked', () => {
  const heap = new DueHeap();
  for (let key = 1; key <= 5; key += 1) heap.set(key, key);
  expect(heap.takeDue(10, 2)).toEqual([1, 2]);
  expect(heap.takeDue(10, 2)).toEqual([3, 4]);
});
