import { describe, expect, test } from 'vitest';
import { dateOrNever, instant } from './date.ts';
import { editDistance, nearest } from './did-you-mean.ts';
import { table } from './table.ts';

describe('ui', () => {
  test('columns are as wide as their widest cell, and lines carry no trailing spaces', () => {
    expect(
      table(
        ['ID', 'NAME'],
        [
          ['a', 'first'],
          ['long-id', 'x'],
        ],
      ),
    ).toBe('ID       NAME\na        first\nlong-id  x\n');
  });

  test('dates are days in UTC, or never', () => {
    expect(dateOrNever(Date.UTC(2024, 4, 15, 23))).toBe('2024-05-15');
    expect(dateOrNever(null)).toBe('never');
    expect(instant(Date.UTC(2024, 4, 15, 9, 30))).toBe('2024-05-15 09:30:00 UTC');
  });

  test('the nearest word is found, and far ones are not offered', () => {
    expect(nearest('retryCuont', ['retryCount', 'retryLogic'])).toBe('retryCount');
    expect(nearest('TimeoutSecond', ['timeoutSeconds'])).toBe('timeoutSeconds');
    expect(nearest('zebra', ['retryCount'])).toBeUndefined();
  });

  test('the distance counts letters to change', () => {
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('same', 'same')).toBe(0);
  });
});
