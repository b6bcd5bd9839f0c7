import { describe, expect, test } from 'vitest';
import { hashKey, isWholeKey, newKeyId, newKeyText } from './key-text.ts';

describe('key text', () => {
  test('a key has its prefix, 43 digits of secret and 6 of checksum, and no two are alike', () => {
    const keys = new Set(Array.from({ length: 200 }, newKeyText));
    expect(keys.size).toBe(200);
    for (const key of keys) expect(key).toMatch(/^cnd_live_[0-9A-Za-z]{49}$/);
  });

  test('a whole key is told from a mistyped or cut one', () => {
    const key = newKeyText();
    const swapped = key.endsWith('a') ? `${key.slice(0, -1)}b` : `${key.slice(0, -1)}a`;
    expect(isWholeKey(key)).toBe(true);
    expect(isWholeKey(swapped)).toBe(false);
    expect(isWholeKey(key.slice(0, -1))).toBe(false);
    expect(isWholeKey(`${key} `)).toBe(false);
  });

  test('ids are key_ and 16 letters or digits', () => {
    expect(newKeyId()).toMatch(/^key_[0-9A-Za-z]{16}$/);
  });

  test('the hash is hex SHA-256', () => {
    expect(hashKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
