import { describe, expect, test } from 'vitest';
import { dateOrNever, instant } from './date.ts';
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
});
