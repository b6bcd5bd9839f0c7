// Calls of agents through the vault of one replica or another, as many at a time as they like.
import { Agent, request } from 'undici';
import type { Cluster } from './cluster.ts';

export interface Charge {
  readonly key: string;
  readonly customer: string;
  readonly cents?: number;
  readonly idempotencyKey?: string;
  readonly patienceMs?: number;
}

export interface VendorAnswer {
  readonly status: number;
  /** The refusal's code; "" for what the vendor answered. */
  readonly code: string;
}

/** A replica's: the rest waits on our side, as it does at a client with a bounded pool. */
const CONNECTIONS = 150;

export class VendorCalls {
  readonly #cluster: Cluster;
  readonly #agent = new Agent({ connections: CONNECTIONS, headersTimeout: 60_000 });

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Rejects when the replica does not answer, or not while the caller has patience. */
  async charge(replica: number, charge: Charge): Promise<VendorAnswer> {
    const { key, customer, cents = 50, idempotencyKey, patienceMs } = charge;
    const { statusCode, body } = await request(`${this.#cluster.replica(replica).url}/stripe/v1/payment_intents`, {
      dispatcher: this.#agent,
      method: 'POST',
      signal: patienceMs === undefined ? null : AbortSignal.timeout(patienceMs),
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/x-www-form-urlencoded',
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: `amount=${cents}&currency=usd&customer=${customer}`,
    });
    const text = await body.text();
    const code = /"code":\s*"(\w+)"/.exec(text)?.[1] ?? '';
    return { status: statusCode, code };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
