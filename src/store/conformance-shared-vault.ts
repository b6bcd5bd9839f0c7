// Shared conformance: vault keys under lock, their charges as others changed them, and rounds that stand in each
// other's way.
import { expect, it } from 'vitest';
import type { Charge, VaultKey } from '../model/vault.ts';
import { commit, fresh, sampleCharge, sampleVaultKey } from './conformance-samples.ts';
import { inRound, type TwoStores } from './conformance-two-stores.ts';
import { RoundConflict, type Store } from './port.ts';
import type { LoadedVaultKeys, SharedRound } from './shared-port.ts';
import { emptyBatch } from './write-batch.ts';

const lock = (shared: SharedRound, { id }: VaultKey, revision = 0, sinceMs = 0) =>
  shared.lockVaultKeys([{ id, revision, sinceMs }]);
const chargesOf = ({ changed }: LoadedVaultKeys) => changed.flatMap(({ charges }) => charges);

export function sharedVault(both: () => TwoStores): void {
  it('a key is held by one round at a time, and the next sees what was charged', async () => {
    const { first, second } = both();
    const key = sampleVaultKey();
    const charge = sampleCharge(key.id);
    await commit(first, { vaultKeys: [key] });
    await inRound(first, async (earlier, earlierShared) => {
      await lock(earlierShared, key);
      await inRound(second, async (_, later) => {
        const waiting = lock(later, key, 1);
        await earlier.commit({ ...emptyBatch(), newCharges: [charge] });
        expect(await waiting).toEqual({ changed: [{ key, revision: 2, since: 1, charges: [charge] }], gone: [] });
      });
    });
  });

  it('an unchanged key sends nothing, and one that is not there is gone', async () => {
    const key = sampleVaultKey();
    await commit(both().first, { vaultKeys: [key] });
    await inRound(both().second, async (_, shared) => {
      const wanted = ['vk_none', key.id].map((id) => ({ id, revision: 1, sinceMs: 0 }));
      expect(await shared.lockVaultKeys(wanted)).toEqual({ changed: [], gone: ['vk_none'] });
    });
  });

  it('a key that is not held comes with the charges that count in its window', async () => {
    const [day, ever] = [sampleVaultKey(), sampleVaultKey({ capWindow: 'lifetime' })];
    const charges = [day, ever].flatMap(({ id }) => [
      sampleCharge(id, { reservedMs: 99, state: 'settled' }),
      sampleCharge(id, { reservedMs: 100, state: 'uncertain' }),
      sampleCharge(id, { reservedMs: 200, state: 'released' }),
    ]);
    await commit(both().first, { vaultKeys: [day, ever], newCharges: charges });
    const loaded = await inRound(both().second, async (_, shared) => ({
      day: chargesOf(await lock(shared, day, 0, 100)),
      ever: chargesOf(await lock(shared, ever, 0, 100)),
    }));
    expect(loaded).toEqual({ day: [charges[1]], ever: [charges[3], charges[4]] });
  });

  it('a key that is held comes with the charges written since, released ones too', async () => {
    const { first, second } = both();
    const key = sampleVaultKey();
    const [kept, released] = [sampleCharge(key.id), sampleCharge(key.id)];
    await commit(first, { vaultKeys: [key], newCharges: [kept, released] });
    await commit(first, {
      changedCharges: [{ ...released, state: 'released' }],
      vaultKeys: [{ ...key, capMicros: 5 }],
    });
    const loaded = await inRound(second, (_, shared) => lock(shared, key, 1));
    expect(loaded.changed).toEqual([
      { key: { ...key, capMicros: 5 }, revision: 2, since: 1, charges: [{ ...released, state: 'released' }] },
    ]);
  });

  it('the end of a run revokes its live keys, and no others', async () => {
    const runId = `run-${fresh()}`;
    const [live, revoked] = [sampleVaultKey({ runId }), sampleVaultKey({ runId, revokedMs: 3 })];
    const other = sampleVaultKey({ runId: 'another' });
    await commit(both().first, { vaultKeys: [live, revoked, other] });
    await commit(both().first, { endedRuns: [{ id: runId, atMs: 9 }] });
    const wanted = [live, revoked, other].map(({ id }) => ({ id, revision: 1, sinceMs: 0 }));
    const loaded = await inRound(both().second, (_, shared) => shared.lockVaultKeys(wanted));
    expect(loaded.changed.map(({ key, revision }) => [key, revision])).toEqual([[{ ...live, revokedMs: 9 }, 2]]);
    expect((await both().second.reads.vaultKey(live.id))?.revokedMs).toBe(9);
  });

  it('a key that was issued and whose run ended in one commit is revoked', async () => {
    const key = sampleVaultKey({ runId: `run-${fresh()}` });
    await commit(both().first, { vaultKeys: [key], endedRuns: [{ id: key.runId ?? '', atMs: 9 }] });
    expect((await both().second.reads.vaultKey(key.id))?.revokedMs).toBe(9);
  });

  it('a run that goes on gets back the keys that ended with it, and no others', async () => {
    const runId = `run-${fresh()}`;
    const of = { runId, runLabel: `conductor/${runId}`, createdMs: 1, expiresMs: 101 };
    const [ended, revoked] = [sampleVaultKey({ ...of, revokedMs: 9 }), sampleVaultKey({ ...of, revokedMs: 3 })];
    const other = sampleVaultKey({ ...of, runId: 'another', revokedMs: 9 });
    await commit(both().first, { vaultKeys: [ended, revoked, other] });
    const reopened = { id: runId, runLabel: of.runLabel, endedMs: 9, atMs: 50, lifeMsMax: 70 };
    await commit(both().first, { reopenedRuns: [reopened] });
    const rows = await Promise.all([ended, revoked, other].map(({ id }) => both().second.reads.vaultKey(id)));
    expect(rows).toEqual([{ ...ended, revokedMs: 0, expiresMs: 120 }, revoked, other]);
    await commit(both().first, { endedRuns: [{ id: runId, atMs: 60 }] });
    await commit(both().first, {
      reopenedRuns: [{ ...reopened, endedMs: 60, atMs: 61, lifeMsMax: 10 }],
      endedRuns: [{ id: runId, atMs: 62 }],
    });
    expect(await both().second.reads.vaultKey(ended.id)).toEqual({ ...ended, revokedMs: 62, expiresMs: 120 });
  });

  it('charges under a key that the round has not locked are not written', async () => {
    const key = sampleVaultKey();
    await commit(both().first, { vaultKeys: [key] });
    const round = await both().first.round();
    await expect(round.commit({ ...emptyBatch(), newCharges: [sampleCharge(key.id)] })).rejects.toThrow(TypeError);
  });

  it('a cap that every round checks under lock is met exactly, whoever charges', async () => {
    const { first, second } = both();
    const key = sampleVaultKey({ capMicros: 30 });
    await commit(first, { vaultKeys: [key] });
    const charging = Array.from({ length: 50 }, (_, index) => charge(index % 2 === 0 ? first : second, key));
    const charged = await Promise.all(charging);
    expect(charged.filter((allowed) => allowed)).toHaveLength(30);
    expect(await first.reads.chargesOf(key.id, 0)).toHaveLength(30);
  });

  it('of two rounds that wait for each other one is lost and says so, and the other goes on', async () => {
    const { first, second } = both();
    const [a, b] = [sampleVaultKey(), sampleVaultKey()];
    await commit(first, { vaultKeys: [a, b] });
    const outcomes = await inRound(first, (_r, one) =>
      inRound(second, async (_s, two) => {
        await Promise.all([lock(one, a), lock(two, b)]);
        return Promise.allSettled([lock(one, b), lock(two, a)]);
      }),
    );
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(lost).toHaveLength(1);
    expect(lost[0]).toBeInstanceOf(RoundConflict);
  });
}

/** One unit, if the cap allows it. */
async function charge(store: Store, key: VaultKey): Promise<boolean> {
  const round = await store.round();
  const loaded = round.shared && (await lock(round.shared, key));
  const total = loaded ? chargesOf(loaded).reduce((sum, { amountMicros }) => sum + amountMicros, 0) : 0;
  if (total >= key.capMicros) {
    await round.abandon();
    return false;
  }
  const unit: Charge = sampleCharge(key.id, { amountMicros: 1, state: 'settled' });
  await round.commit({ ...emptyBatch(), newCharges: [unit] });
  return true;
}
