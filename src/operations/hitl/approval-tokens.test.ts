import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApprovalTokens } from './approval-tokens.ts';

const tokens = new ApprovalTokens(new Uint8Array(32).fill(7));
const others = new ApprovalTokens(new Uint8Array(32).fill(8));
const TASK = '0198c000-0000-7000-8000-000000000001';

describe('an approval token', () => {
  it('says whom it speaks for and about what, whatever they are called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }), (approver) => {
        const token = tokens.issue(TASK, approver);
        expect(token).toMatch(/^[\w.-]+$/);
        expect(tokens.read(token)).toEqual({ taskId: TASK, approver });
        expect(others.read(token)).toBeUndefined();
      }),
    );
    expect(tokens.read(tokens.issue(TASK, '\uFEFFann'))?.approver).toBe('\uFEFFann');
  });

  it('is nothing once a single character of it differs', () => {
    const token = tokens.issue(TASK, 'ann@acme.example');
    for (let at = 0; at < token.length; at += 1) {
      for (const character of ['0', 'a', 'f', '.', '-', '%', 'é']) {
        if (token[at] === character) continue;
        expect(tokens.read(token.slice(0, at) + character + token.slice(at + 1))).toBeUndefined();
      }
    }
  });

  it.each([
    '',
    'cnd_apr_',
    'cnd_apr_61.t.',
    `${tokens.issue(TASK, 'ann')}0`,
    ` ${tokens.issue(TASK, 'ann')}`,
    `${tokens.issue(TASK, 'ann')}\n`,
    'x'.repeat(100_000),
  ])('is no other text, such as %j', (text) => expect(tokens.read(text)).toBeUndefined());

  it('is not another’s with the parts moved about', () => {
    const [, signature = ''] = /\.([\da-f]{40})$/.exec(tokens.issue(TASK, 'ann')) ?? [];
    expect(tokens.read(tokens.issue(TASK, 'bob').replace(/[\da-f]{40}$/, signature))).toBeUndefined();
    expect(tokens.read(tokens.issue('t2', 'ann').replace('.t2.', `.${TASK}.`))).toBeUndefined();
  });

  it('needs a secret worth the name', () => {
    expect(() => new ApprovalTokens(new Uint8Array(31))).toThrow('32 bytes');
  });
});
