// Stripe's API for tests, examples and benches: an HTTP server that speaks its wire, keeps idempotency keys as it does,
// and fails on demand. Owns the transport; holds nothing beyond its own life.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Fault, Faults } from './faults.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { type StripeCharge, StripeLedger, type StripeObject } from './ledger.ts';
import { failure, internalError, type SimulatedReply } from './wire.ts';

export interface StripeSimulatorOptions {
  /** 0 or absent: any free port. */
  readonly port?: number;
  readonly secretKey?: string;
  /** Share of POSTs that are carried out and then answered 500. */
  readonly failRate?: number;
  readonly latencyMs?: number;
}

export interface SimulatedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface StripeSimulator {
  /** `http://127.0.0.1:<port>`; `url` is the same. */
  readonly origin: string;
  readonly url: string;
  readonly secret: string;
  readonly objects: ReadonlyMap<string, StripeObject>;
  /** What was charged or promised: charges, and intents when they are created. */
  readonly charged: readonly StripeCharge[];
  /** Those of them that are payment intents. */
  readonly paymentIntents: readonly StripeCharge[];
  readonly requests: readonly SimulatedRequest[];
  /** The next POSTs that would be carried out fail like this. */
  inject(fault: Fault, times?: number): void;
  /** Injected and not met yet. */
  readonly pendingFaults: number;
  /** Forgets an idempotency key, as Stripe does after a day. */
  forget(idempotencyKey: string): void;
  close(): Promise<void>;
}

const REQUESTS_KEPT = 20_000;

export async function startStripeSimulator(options: StripeSimulatorOptions = {}): Promise<StripeSimulator> {
  const secret = options.secretKey ?? 'sk_test_simulated_account_secret';
  const account = new Account(secret, options);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => account.answer(request, Buffer.concat(chunks).toString(), response));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    origin,
    url: origin,
    secret,
    objects: account.ledger.objects,
    charged: account.ledger.charged,
    paymentIntents: account.ledger.paymentIntents,
    requests: account.requests,
    get pendingFaults() {
      return account.faults.pending;
    },
    inject: (fault, times) => account.faults.inject(fault, times),
    forget: (key) => account.keys.forget(key),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class Account {
  readonly ledger = new StripeLedger();
  readonly keys = new IdempotencyKeys();
  readonly requests: SimulatedRequest[] = [];
  readonly faults: Faults;
  readonly #secret: string;
  readonly #latencyMs: number;
  #answered = 0;

  constructor(secret: string, options: StripeSimulatorOptions) {
    this.#secret = secret;
    this.#latencyMs = options.latencyMs ?? 0;
    this.faults = new Faults(options.failRate ?? 0);
  }

  answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const { method = 'GET', url = '/' } = request;
    if (this.requests.length < REQUESTS_KEPT) this.requests.push({ method, url, headers: request.headers, body });
    const send = (reply: SimulatedReply, replayed = false) => this.#send(response, reply, replayed);
    if (!this.#authorized(request.headers.authorization)) {
      send(failure(401, { type: 'invalid_request_error', message: 'Invalid API Key provided.' }));
      return;
    }
    const [path = '', query = ''] = url.split('?');
    if (!path.startsWith('/v1/')) {
      send(failure(404, { type: 'invalid_request_error', message: `Unrecognized request URL (${method}: ${path}).` }));
      return;
    }
    const header = request.headers['idempotency-key'];
    const key = method === 'POST' && typeof header === 'string' ? header : undefined;
    const begun = this.keys.begin(key, `${path}\n${body}`);
    if (begun.reply) {
      send(begun.reply, begun.replayed);
      return;
    }
    const call = {
      method,
      path: path.slice('/v1/'.length).split('/'),
      params: new URLSearchParams(method === 'POST' ? body : query),
      idempotencyKey: key ?? null,
    };
    const fault = method === 'POST' ? this.faults.take() : undefined;
    const reply = outcome(fault, () => this.ledger.handle(call));
    const finish = () => {
      begun.finish(reply);
      if (fault === 'hang') return;
      if (fault === 'reset-before' || fault === 'reset-after') request.socket.destroy();
      else send(reply);
    };
    if (this.#latencyMs > 0) setTimeout(finish, this.#latencyMs);
    else finish();
  }

  #authorized(header: string | undefined): boolean {
    if (header === `Bearer ${this.#secret}`) return true;
    return header === `Basic ${Buffer.from(`${this.#secret}:`).toString('base64')}`;
  }

  #send(response: ServerResponse, reply: SimulatedReply, replayed: boolean): void {
    this.#answered += 1;
    response.writeHead(reply.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(reply.body),
      'request-id': `req_sim${this.#answered}`,
      ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
    });
    response.end(reply.body);
  }
}

/** What becomes of the call; a fault that comes before it leaves nothing behind. */
function outcome(fault: Fault | undefined, handle: () => SimulatedReply): SimulatedReply {
  switch (fault) {
    case 'reset-before':
    case 'error-before':
      return internalError(false);
    case 'conflict':
      return failure(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message: 'In use.' });
    case 'rate-limit':
      return failure(429, { type: 'invalid_request_error', code: 'rate_limit', message: 'Too many requests.' });
    case 'error-after':
      handle();
      return internalError(true);
    default:
      return handle();
  }
}
