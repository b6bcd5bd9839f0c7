// The whole demo, at its full size and in the seed's form, and then a search of everything it left behind for secrets.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const DEMO = fileURLToPath(new URL('../../dist/examples/billing/demo.js', import.meta.url));
/** A whole key of ours: prefix, length, payload, MAC. Placeholders and the bare prefix are not keys. */
const VAULT_KEY = /vault_key_[A-Za-z0-9_-]{40,}/;
const VENDOR_SECRET = 'sk_test_simulated_account_secret';

test.each([
  { form: 'budget', customers: 5000, charged: 1000 },
  { form: 'seed', customers: 1500, charged: 300 },
])(
  'K18, K22: $customers tasks at half a dollar under a tenth of a dollar each ($form): $charged charged, the rest refused, and no secret is left anywhere',
  async ({ form, customers, charged }) => {
    const data = await mkdtemp(join(tmpdir(), 'conductor-billing-'));
    try {
      const { code, output, errors } = await demo([
        '--json',
        '--form',
        form,
        ...sizes(customers, charged),
        '--data',
        data,
      ]);
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(JSON.parse(output.trim().split('\n').at(-1) ?? '')).toMatchObject({
        customers,
        charged,
        refused: customers - charged,
        capUsd: charged / 2,
        spentUsd: charged / 2,
        doubleCharges: 0,
        chargedAfterTermination: 0,
      });
      const files = (await readdir(data)).filter((name) => name.startsWith('conductor.db'));
      expect(files).toContain('conductor.db');
      for (const name of files) {
        const text = await readFile(join(data, name), 'latin1');
        expect(text.includes(VENDOR_SECRET), `${name} holds the vendor's secret`).toBe(false);
        expect(VAULT_KEY.exec(text)?.[0], `${name} holds a vault key`).toBeUndefined();
      }
      expect(output + errors).not.toMatch(VAULT_KEY);
      expect(output + errors).not.toContain(VENDOR_SECRET);
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  },
  180_000,
);

/** The full size is what the demo does unasked. */
function sizes(customers: number, charged: number): string[] {
  return customers === 5000 ? [] : ['--customers', String(customers), '--cap', String(charged / 2)];
}

async function demo(flags: readonly string[]) {
  const child = spawn(process.execPath, [DEMO, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, errors };
}
