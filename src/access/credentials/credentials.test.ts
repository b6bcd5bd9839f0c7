import { describe, expect, test } from 'vitest';
import type { HeaderLookup } from '../access.ts';
import { apiKey } from './api-key.ts';
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { conductorToken } from './conductor-token.ts';

const headers =
  (values: Record<string, string>): HeaderLookup =>
  (name) =>
    values[name];

describe('credentials', () => {
  test('X-API-Key is the key itself', () => {
    expect(apiKey.read(headers({ 'x-api-key': ' cnd_live_a ' }))).toBe('cnd_live_a');
    expect(apiKey.read(headers({ 'x-api-key': '' }))).toBeUndefined();
  });

  test('X-Authorization is the token itself', () => {
    expect(conductorToken.read(headers({ 'x-authorization': 'cnd_tok_a' }))).toBe('cnd_tok_a');
    expect(conductorToken.read(headers({}))).toBeUndefined();
  });

  test('Bearer is read whatever its case, and other schemes are left alone', () => {
    expect(bearer.read(headers({ authorization: 'Bearer cnd_live_a' }))).toBe('cnd_live_a');
    expect(bearer.read(headers({ authorization: 'bearer cnd_live_a' }))).toBe('cnd_live_a');
    expect(bearer.read(headers({ authorization: 'Basic Y25k' }))).toBeUndefined();
    expect(bearer.read(headers({ authorization: 'Bearercnd' }))).toBeUndefined();
  });

  test('Basic carries the key as user name, or as password', () => {
    const of = (text: string) => basic.read(headers({ authorization: `Basic ${btoa(text)}` }));
    expect(of('cnd_live_a:')).toBe('cnd_live_a');
    expect(of('cnd_live_a')).toBe('cnd_live_a');
    expect(of('anybody:cnd_live_a')).toBe('cnd_live_a');
  });

  test('Basic that cannot be read is a credential that will be refused', () => {
    expect(basic.read(headers({ authorization: 'Basic %%%' }))).toBeDefined();
  });
});
