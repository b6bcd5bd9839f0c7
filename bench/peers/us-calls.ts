// Us in proxied calls: each is checked, reserved durably, forwarded, settled durably and audited by the vault.
import { z } from 'zod';
import { Child } from '../child.ts';
import { Driver } from '../driver.ts';
import type { Contender, Site } from './contender.ts';
import { Post } from './post.ts';
import { type OwnStore, startOurs } from './us.ts';

/** What ../upstream-process.ts answers with. */
export const VENDOR_ANSWER_BYTES = 114;
const CHARGE_CENTS = 50;
const BODY = `amount=${CHARGE_CENTS}&currency=usd&customer=cus_bench`;
const issuedSchema = z.object({ id: z.string(), vault_key: z.string() });
const spentSchema = z.object({ spent_usd: z.number(), reserved_usd: z.literal(0) });

export async function openOurCalls(site: Site, store: OwnStore): Promise<Contender> {
  const upstream = await Child.start('upstream');
  try {
    return await openVault(site, store, upstream);
  } catch (error) {
    await upstream.stop();
    throw error;
  }
}

async function openVault(site: Site, store: OwnStore, upstream: Child): Promise<Contender> {
  const server = await startOurs(site, store, upstream.url);
  const driver = new Driver(server.url, server.key, 1);
  const policy = { vendor: 'stripe', daily_usd_cap: 900_000_000, allowed_endpoints: ['POST /v1/payment_intents'] };
  const reply = await driver.send('POST', '/vault/keys', JSON.stringify({ ...policy, expires_in: '2h' }));
  const { id, vault_key: key } = issuedSchema.parse(JSON.parse(reply));
  const post = new Post(server.url);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-www-form-urlencoded' };
  let calls = 0;
  return {
    once: async () => {
      calls += 1;
      const text = await post.send('/v1/payment_intents', BODY, { ...headers, 'idempotency-key': `bench-${calls}` });
      if (text.length !== VENDOR_ANSWER_BYTES) throw new Error(`the vault answered ${text.length} bytes: ${text}`);
    },
    completed: async () => {
      const { spent_usd } = spentSchema.parse(JSON.parse(await driver.send('GET', `/vault/keys/${id}`)));
      return Math.round((spent_usd * 100) / CHARGE_CENTS);
    },
    durability: server.durability,
    close: async () => {
      await Promise.all([post.close(), driver.close()]);
      await upstream.stop();
    },
  };
}
