// The whole demo at its full size, in both forms, and then a search of everything it left behind for secrets.
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

test.each(['budget', 'seed'])(
  'K18, K22: 5,000 tasks at half a dollar under five hundred (%s): 1,000 charged, 4,000 refused, and no secret is left anywhere',
  async (form) => {
    const data = await mkdtemp(join(tmpdir(), 'conductor-billing-'));
    try {
      const { code, output, errors } = await demo(['--json', '--form', form, '--data', data]);
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(JSON.parse(output.trim().split('\n').at(-1) ?? '')).toMatchObject({
        customers: 5000,
        charged: 1000,
        refused: 4000,
        capUsd: 500,
        spentUsd: 500,
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
