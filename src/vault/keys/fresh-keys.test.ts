// A read may be shared only by those who asked before it began.
import { expect, test } from 'vitest';
import type { VaultKey } from '../../model/vault.ts';
import { sampleVaultKey } from '../../store/conformance-samples.ts';
import { FreshKeys } from './fresh-keys.ts';

function slowReads() {
  const answers: ((row: VaultKey | null) => void)[] = [];
  const vaultKey = () => new Promise<VaultKey | null>((resolve) => answers.push(resolve));
  return { answers, fresh: new FreshKeys({ vaultKey }) };
}

test('who asks while a read is under way gets the next one, together with all who do', async () => {
  const { answers, fresh } = slowReads();
  const key = sampleVaultKey();
  const first = fresh.read(key.id);
  const later = [fresh.read(key.id), fresh.read(key.id)];
  expect(answers).toHaveLength(1);
  answers[0]?.(key);
  expect(await first).toBe(key);
  expect(answers).toHaveLength(2);
  const revoked = { ...key, revokedMs: 1 };
  answers[1]?.(revoked);
  expect(await Promise.all(later)).toEqual([revoked, revoked]);
});

test('a read that fails is nobody else’s answer', async () => {
  let calls = 0;
  const fresh = new FreshKeys({
    vaultKey: () => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error('gone')) : Promise.resolve(null);
    },
  });
  const [first, second] = [fresh.read('vk_1'), fresh.read('vk_1')];
  await expect(first).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(await second).toBeNull();
});
