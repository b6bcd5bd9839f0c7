// (d) The vault against a bare undici pass-through before the same upstream, in the same run. A vault call is checked,
// reserved durably, forwarded, settled durably and audited; the pass-through swaps the key.
import { Pool } from 'undici';
import { z } from 'zod';
import { Child, withChildren } from '../child.ts';
import { Driver, inTurns, spread } from '../driver.ts';
import { percentiles, round, type VaultResults } from '../results.ts';

const AT_ONCE = 64;
const BODY = 'amount=50&currency=usd&customer=cus_bench';
const issuedSchema = z.object({ vault_key: z.string() });

export async function vaultCalls(quick: boolean): Promise<VaultResults> {
  const upstream = await Child.start('upstream');
  const passThrough = await Child.start('pass-through', upstream.url);
  const server = await Child.start('server', upstream.url);
  return withChildren([server, passThrough, upstream], async () => {
    const vault = new Caller(server.url, await issueKey(server));
    const bare = new Caller(passThrough.url, 'none');
    const calls = quick ? 9000 : 45_000;
    const singles = quick ? 600 : 3000;
    const loads = [bare, vault].map((caller) => (count: number) => caller.load(count));
    for (const load of loads) await load(4000);
    const [passThroughPerSecond = 0, callsPerSecond = 0] = await inTurns(loads, calls);
    const [bareMs, vaultMs] = await alternate(bare, vault, singles);
    await Promise.all([vault.close(), bare.close()]);
    return {
      callsPerSecond: Math.round(callsPerSecond),
      passThroughPerSecond: Math.round(passThroughPerSecond),
      addedMs: { p50: round(vaultMs.p50 - bareMs.p50), p99: round(vaultMs.p99 - bareMs.p99) },
    };
  });
}

/** One call at a time, the two in turn, so that both see the same machine. */
async function alternate(bare: Caller, vault: Caller, singles: number) {
  const bareMs: number[] = [];
  const vaultMs: number[] = [];
  for (let n = 0; n < singles; n += 1) {
    bareMs.push(await bare.timed());
    vaultMs.push(await vault.timed());
  }
  return [percentiles(bareMs), percentiles(vaultMs)] as const;
}

async function issueKey(server: Child): Promise<string> {
  const driver = new Driver(server.url, server.key, 1);
  const policy = { vendor: 'stripe', daily_usd_cap: 900_000_000, allowed_endpoints: ['POST /v1/payment_intents'] };
  const reply = await driver.send('POST', '/vault/keys', JSON.stringify({ ...policy, expires_in: '2h' }));
  await driver.close();
  return issuedSchema.parse(JSON.parse(reply)).vault_key;
}

class Caller {
  readonly #pool: Pool;
  readonly #key: string;
  #calls = 0;

  constructor(url: string, key: string) {
    this.#pool = new Pool(url, { connections: AT_ONCE, pipelining: 1 });
    this.#key = key;
  }

  /** `AT_ONCE` calls under way. */
  load(calls: number): Promise<void> {
    return spread(calls, AT_ONCE, () => this.#call());
  }

  async timed(): Promise<number> {
    const startedAt = performance.now();
    await this.#call();
    return performance.now() - startedAt;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #call(): Promise<void> {
    this.#calls += 1;
    const reply = await this.#pool.request({
      method: 'POST',
      path: '/v1/payment_intents',
      headers: {
        authorization: `Bearer ${this.#key}`,
        'content-type': 'application/x-www-form-urlencoded',
        'idempotency-key': `bench-${this.#calls}`,
      },
      body: BODY,
    });
    const text = await reply.body.text();
    if (reply.statusCode !== 200) throw new Error(`vendor call: ${reply.statusCode} ${text.slice(0, 300)}`);
  }
}
