import { describe, expect, test } from 'vitest';
import { sampleCharge } from '../conformance-samples.ts';
import { chargeOf, fixedChargeText } from './charge-row.ts';

const reserved = sampleCharge('vk_1', { rowId: 7, runId: 'r', ref: 'charge', attempt: 1, body: 'amount=1' });
const NONE = { amount_micros: null, settled_ms: null, attempt: null, body: null, vendor_object_id: null };

describe('the row of a charge', () => {
  test('what never changes is in the document, what changes in columns', () => {
    const columns = { amount_micros: 5, settled_ms: 9, attempt: 2, body: '', vendor_object_id: 'ch_1' };
    const row = { document: fixedChargeText(reserved), state: 'settled', ...columns };
    const changed = { amountMicros: 5, settledMs: 9, attempt: 2, body: '', vendorObjectId: 'ch_1' };
    expect(chargeOf(row)).toEqual({ ...reserved, state: 'settled', ...changed });
  });

  test('a row from before the columns is whole in its document', () => {
    const row = { document: JSON.stringify(reserved), state: 'reserved', ...NONE };
    expect(chargeOf(row)).toEqual(reserved);
  });

  test('a row from before the columns that was changed since is read from the columns', () => {
    const columns = { amount_micros: 0, settled_ms: 9, attempt: 1, body: '', vendor_object_id: null };
    const row = { document: JSON.stringify(reserved), state: 'released', ...columns };
    expect(chargeOf(row)).toEqual({ ...reserved, state: 'released', amountMicros: 0, settledMs: 9, body: '' });
  });
});
