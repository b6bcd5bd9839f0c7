import { describe, expect, test } from 'vitest';
import { didYouMean } from './did-you-mean.ts';

const KEYS = ['name', 'methods', 'rateLimit', 'cap_usd', 'id', 'public'];

describe('the name that was meant', () => {
  test.each([
    ['naem', 'name'],
    ['nam', 'name'],
    ['method', 'methods'],
    ['rate-limit', 'rateLimit'],
    ['ratelimit', 'rateLimit'],
    ['cap-usd', 'cap_usd'],
    ['Publc', 'public'],
  ])('%s is %s', (slip, meant) => {
    expect(didYouMean(slip, KEYS)).toBe(meant);
  });

  test.each(['zz', 'colour', 'x', '', 'completely-different'])('nothing is near %j', (slip) => {
    expect(didYouMean(slip, ['name', 'methods', 'public'])).toBeUndefined();
  });

  test('the nearest wins over the first', () => {
    expect(didYouMean('pathz', ['parts', 'path', 'paths'])).toBe('path');
  });
});
