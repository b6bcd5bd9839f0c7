// Conformance: the vault's rows: secrets, keys, charges, audit, spend.
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../model/vault.ts';
import { commit, fresh, sampleAudit, sampleCharge, sampleVaultKey } from './conformance-samples.ts';
import type { Store } from './port.ts';
import type { AuditFilter } from './reads.ts';

export function vaultConformance(store: () => Store): void {
  describe('secrets and keys', () => keys(store));
  describe('charges', () => charges(store));
  describe('audit', () => audit(store));
}

function keys(store: () => Store): void {
  it('keeps vendor secrets, replaces and removes them by id', async () => {
    const secret = {
      id: `vs_${fresh()}`,
      vendor: 'stripe',
      name: 'live',
      sealed: { iv: 'AA==', box: 'BB==' },
      createdMs: 1,
    };
    const found = async () => (await store().reads.vendorSecrets()).filter(({ id }) => id === secret.id);
    await commit(store(), { vendorSecrets: [secret] });
    await commit(store(), { vendorSecrets: [{ ...secret, sealed: { iv: 'CC==' } }] });
    expect(await found()).toEqual([{ ...secret, sealed: { iv: 'CC==' } }]);
    await commit(store(), { removedVendorSecrets: [secret.id] });
    expect(await found()).toEqual([]);
  });

  it('keeps vault keys whole and lists them newest first, by label and vendor', async () => {
    const runLabel = `conductor/${fresh()} "x"`;
    const older = sampleVaultKey({
      runLabel,
      createdMs: 1,
      runId: 'r',
      name: 'n',
      idempotencyKey: 'k',
      requestDigest: 'd',
    });
    const newer = sampleVaultKey({ runLabel, createdMs: 2, vendor: 'twilio' });
    const other = sampleVaultKey({ createdMs: 3 });
    await commit(store(), { vaultKeys: [newer, older, other] });
    expect(await store().reads.vaultKey(older.id)).toEqual(older);
    expect(await store().reads.vaultKey('vk_none')).toBeNull();
    expect(await store().reads.vaultKeys({ runLabel, limit: 10 })).toEqual([newer, older]);
    expect(await store().reads.vaultKeys({ runLabel, limit: 1 })).toEqual([newer]);
    expect(await store().reads.vaultKeys({ runLabel, vendor: 'stripe', limit: 10 })).toEqual([older]);
    expect((await store().reads.vaultKeys({ vendor: 'stripe', limit: 1 })).map(({ id }) => id)).toEqual([other.id]);
    const live = async (liveAtMs: number) =>
      (await store().reads.vaultKeys({ runLabel, liveAtMs, limit: 10 })).map(({ id }) => id);
    await commit(store(), {
      vaultKeys: [
        { ...newer, expiresMs: 500 },
        { ...older, expiresMs: 900 },
      ],
    });
    expect([await live(499), await live(500), await live(900)]).toEqual([[newer.id, older.id], [older.id], []]);
    await commit(store(), { vaultKeys: [{ ...older, revokedMs: 9, capMicros: 1 }] });
    expect(await live(0)).toEqual([newer.id]);
    expect(await store().reads.vaultKey(older.id)).toEqual({ ...older, revokedMs: 9, capMicros: 1 });
  });
}

function charges(store: () => Store): void {
  it('gives the charges that count against a key since an instant', async () => {
    const [keyId, otherKey] = [`vk_${fresh()}`, `vk_${fresh()}`];
    const charge = (reservedMs: number, state: 'reserved' | 'settled' | 'released' | 'uncertain') =>
      sampleCharge(keyId, { reservedMs, state });
    const kept = [charge(100, 'reserved'), charge(100, 'settled'), charge(200, 'uncertain')];
    const notCounted = [charge(99, 'settled'), charge(150, 'released'), sampleCharge(otherKey, { reservedMs: 150 })];
    await commit(store(), { newCharges: [...kept, ...notCounted] });
    expect(await store().reads.chargesOf(keyId, 100)).toEqual(kept);
  });

  it('writes what a settlement changes, and knows which charges are open', async () => {
    const charge = sampleCharge(`vk_${fresh()}`, { runId: 'r', ref: 'charge "x"', body: 'amount=1&note=\0' });
    const unknown = sampleCharge(charge.keyId, { state: 'uncertain' });
    const open = async () => (await store().reads.openCharges()).filter(({ keyId }) => keyId === charge.keyId);
    await commit(store(), { newCharges: [charge, unknown, sampleCharge(charge.keyId, { state: 'released' })] });
    expect(await open()).toEqual([charge, unknown]);
    const settled = {
      ...charge,
      state: 'settled' as const,
      amountMicros: 5,
      settledMs: 9,
      body: '',
      vendorObjectId: 'ch_1',
    };
    await commit(store(), { changedCharges: [settled] });
    expect(await open()).toEqual([unknown]);
    expect(await store().reads.chargesOf(charge.keyId, 0)).toEqual([settled, unknown]);
  });

  it('adds up what a key was charged for a vendor object, whatever its id', async () => {
    const [keyId, otherKey] = [`vk_${fresh()}`, `vk_${fresh()}`];
    const ids = ['pi_1', 'says "no" \0', 'é'.repeat(5000), `${'é'.repeat(5000)}!`];
    const paid = (vendorObjectId: string, of = keyId) => sampleCharge(of, { reservedMs: 1, vendorObjectId });
    const open = [...ids, ...ids, 'pi_1'].map((id) => paid(id));
    const others = [paid('pi_1', otherKey), { ...paid('pi_1'), state: 'released' as const, amountMicros: 0 }];
    await commit(store(), { newCharges: [...open, ...others] });
    const settled = open.map((charge, i) => ({ ...charge, state: 'settled' as const, amountMicros: 10 ** i }));
    await commit(store(), { changedCharges: settled });
    const counted = await Promise.all(ids.map((id) => store().reads.countedFor(keyId, id)));
    expect(counted).toEqual([100_010_001, 100_010, 1_000_100, 10_001_000]);
    expect(await store().reads.countedFor(keyId, 'pi_2')).toBeNull();
    expect(await store().reads.countedFor(otherKey, 'pi_1')).toBeNull();
  });
}

function audit(store: () => Store): void {
  it('numbers entries in order and gives them back by run, key and verdict, a page at a time', async () => {
    const [runId, keyId] = [`run-${fresh()}`, `vk_${fresh()}`];
    const written = [
      sampleAudit({ runId, keyId, reason: 'says "no" \0', verdict: 'denied_cap' }),
      sampleAudit({ runId }),
      sampleAudit({ keyId, verdict: 'error' }),
      sampleAudit({ runId, keyId, replayed: true }),
    ];
    await commit(store(), { audit: written.slice(0, 2) });
    await commit(store(), { audit: written.slice(2) });
    const found = (filter: Partial<AuditFilter>) => store().reads.audit({ limit: 10, ...filter });
    const bare = (entries: readonly AuditEntry[]) => entries.map((entry) => ({ ...entry, id: 0 }));
    const ofRun = await found({ runId });
    expect(bare(ofRun)).toEqual([written[0], written[1], written[3]]);
    const ids = ofRun.map(({ id }) => id);
    expect([...ids].sort((a, b) => a - b)).toEqual(ids);
    expect(new Set(ids).size).toBe(3);
    expect(bare(await found({ keyId }))).toEqual([written[0], written[2], written[3]]);
    expect(bare(await found({ runId, verdict: 'denied_cap' }))).toEqual([written[0]]);
    expect(bare(await found({ keyId, verdict: 'allowed' }))).toEqual([written[3]]);
    expect(bare(await found({ runId, limit: 1 }))).toEqual([written[0]]);
    expect(bare(await found({ runId, afterId: ids[0], limit: 1 }))).toEqual([written[1]]);
    expect(bare(await found({ keyId, verdict: 'error', afterId: ids[0] }))).toEqual([written[2]]);
    const everything = await found({ verdict: 'denied_cap', afterId: 0 });
    expect(everything.filter((entry) => entry.runId === runId)).toHaveLength(1);
    expect(await found({ afterId: ids[2] })).toEqual([]);
  });

  it('adds up what each task of a run spent with each vendor', async () => {
    const runId = `run-${fresh()}`;
    const entry = (over: Partial<AuditEntry>) => sampleAudit({ runId, ref: 'charge', ...over });
    await commit(store(), {
      audit: [
        entry({ costMicros: 5_000_000, vendorObjectId: 'ch_1' }),
        entry({ costMicros: 0, vendorObjectId: 'ch_1', replayed: true }),
        entry({ costMicros: 7, vendorObjectId: 'ch_0' }),
        entry({ verdict: 'denied_cap_exceeded' }),
        entry({ verdict: 'error' }),
        entry({ ref: null, vendor: 'twilio', currency: null }),
        sampleAudit({ runId: 'another', costMicros: 99 }),
      ],
    });
    const none = { calls: 1, allowed: 1, refused: 0, costMicros: 0, vendorObjectIds: [] };
    expect(await store().reads.spend(runId)).toEqual([
      {
        ref: 'charge',
        vendor: 'stripe',
        currency: 'usd',
        calls: 5,
        allowed: 3,
        refused: 1,
        costMicros: 5_000_007,
        vendorObjectIds: ['ch_1', 'ch_0'],
      },
      { ...none, ref: '', vendor: 'twilio', currency: '' },
    ]);
    expect(await store().reads.spend('nobody')).toEqual([]);
  });
}
