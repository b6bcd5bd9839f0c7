// (d) The vault against a bare undici pass-through before the same upstream, in the same run. A vault call is checked,
// reserved durably, forwarded, settled durably and audited; the pass-through swaps the key.
import { Pool } from 'undici';
import { z } from 'zod';
import { Child, withChildren } from '../child.ts';
import { Driver, inTurns, spread } from '../driver.ts';
import { type Percentiles, percentiles, round, type VaultResults } from '../results.ts';

const AT_ONCE = 64;
const BODY = 'amount=50&currency=usd&customer=cus_bench';
const issuedSchema = z.object({ vault_key: z.string() });

export async function vaultCalls(quick: boolean): Promise<VaultResults> {
  const upstream = await Child.start('upstream');
  const passThrough = await Child.start('pass-through', upstream.url);
  const inserting = await Child.start('pass-through', upstream.url, { inserts: true });
  const server = await Child.start('server', upstream.url);
  return withChildren([server, passThrough, inserting, upstream], async () => {
    const vault = new Caller(server.url, await issueKey(server));
    const [bare, insert] = [new Caller(passThrough.url, 'none'), new Caller(inserting.url, 'none')];
    const calls = quick ? 9000 : 45_000;
    const singles = quick ? 600 : 3000;
    const loads = [bare, vault].map((caller) => (count: number) => caller.load(count));
    for (const load of loads) await load(4000);
    await insert.load(4000);
    const [passThroughPerSecond = 0, callsPerSecond = 0] = await inTurns(loads, calls);
    const [bareMs, vaultMs, insertMs] = await alternate([bare, vault, insert], singles);
    await Promise.all([vault.close(), bare.close(), insert.close()]);
    const added = ({ p50, p99 }: Percentiles) => ({ p50: round(p50 - bareMs.p50), p99: round(p99 - bareMs.p99) });
    return {
      callsPerSecond: Math.round(callsPerSecond),
      passThroughPerSecond: Math.round(passThroughPerSecond),
      addedMs: added(vaultMs),
      insertAddedMs: added(insertMs),
    };
  });
}

type Three<T> = readonly [T, T, T];

/** One call at a time, each in turn, so that all see the same machine. */
async function alternate([first, second, third]: Three<Caller>, singles: number): Promise<Three<Percentiles>> {
  const samplesMs: Three<number[]> = [[], [], []];
  for (let n = 0; n < singles; n += 1) {
    samplesMs[0].push(await first.timed());
    samplesMs[1].push(await second.timed());
    samplesMs[2].push(await third.timed());
  }
  return [percentiles(samplesMs[0]), percentiles(samplesMs[1]), percentiles(samplesMs[2])];
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
