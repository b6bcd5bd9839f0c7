// Unkey's verification for tests: an HTTP server that speaks `POST /v2/keys.verifyKey`, counts limits and credits as it
// does, and fails on demand. Holds nothing beyond its own life.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';

export interface SimulatedKey {
  readonly keyId: string;
  readonly name?: string;
  readonly externalId?: string;
  readonly permissions?: readonly string[];
  readonly roles?: readonly string[];
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly enabled?: boolean;
  /** Epoch ms. */
  readonly expires?: number;
  readonly credits?: number;
  readonly ratelimit?: { readonly limit: number; readonly durationMs: number };
}

/** `error`: 500. `garbage`: 200, and no verdict in it. `reset`: the connection is cut. `throttle`: 429 to the workspace. */
export type UnkeyFault = 'error' | 'garbage' | 'reset' | 'throttle';

export interface UnkeySimulator {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly rootKey: string;
  /** Keys by their text; may be changed at any time. */
  readonly keys: Map<string, SimulatedKey>;
  /** What was asked, oldest first. */
  readonly asked: readonly VerifyRequest[];
  /** Until it is set to null again. */
  fault: UnkeyFault | null;
  close(): Promise<void>;
}

const VerifyRequest = z.object({ key: z.string(), tags: z.array(z.string()).optional() });
type VerifyRequest = z.infer<typeof VerifyRequest>;

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** `now` ends rate limit windows and keys. */
export async function startUnkeySimulator(now: () => number): Promise<UnkeySimulator> {
  const rootKey = 'unkey_simulated_root_key';
  const workspace = new Workspace(rootKey, now);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => answer(workspace, request, Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    rootKey,
    keys: workspace.keys,
    asked: workspace.asked,
    get fault() {
      return workspace.fault;
    },
    set fault(fault) {
      workspace.fault = fault;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class Workspace {
  readonly keys = new Map<string, SimulatedKey>();
  readonly asked: VerifyRequest[] = [];
  fault: UnkeyFault | null = null;
  readonly #rootKey: string;
  readonly #now: () => number;
  readonly #used = new Map<string, number>();
  readonly #windows = new Map<string, { readonly endMs: number; taken: number }>();

  constructor(rootKey: string, now: () => number) {
    this.#rootKey = rootKey;
    this.#now = now;
  }

  handle(url: string, authorization: string | undefined, body: string): Reply {
    if (url !== '/v2/keys.verifyKey') return problem(404, 'not_found');
    if (authorization !== `Bearer ${this.#rootKey}`) return problem(401, 'authentication/key_not_found');
    if (this.fault === 'error') return problem(500, 'internal');
    if (this.fault === 'throttle') return problem(429, 'too_many_requests');
    if (this.fault === 'garbage') return { status: 200, body: { meta: { requestId: 'req_sim' }, data: { ok: true } } };
    const request = VerifyRequest.parse(JSON.parse(body));
    this.asked.push(request);
    return { status: 200, body: { meta: { requestId: 'req_sim' }, data: this.#verdict(request.key) } };
  }

  #verdict(text: string): unknown {
    const key = this.keys.get(text);
    if (!key) return { valid: false, code: 'NOT_FOUND' };
    const { keyId, name, externalId, permissions, roles, meta, enabled = true, expires } = key;
    const limit = this.#take(key);
    const code = this.#codeOf(key, enabled, limit?.exceeded ?? false);
    return {
      valid: code === 'VALID',
      code,
      keyId,
      enabled,
      ...(name ? { name } : {}),
      ...(expires ? { expires } : {}),
      ...(meta ? { meta } : {}),
      ...(permissions ? { permissions } : {}),
      ...(roles ? { roles } : {}),
      ...(key.credits === undefined ? {} : { credits: Math.max(0, key.credits - (this.#used.get(keyId) ?? 0)) }),
      ...(externalId ? { identity: { id: `id_${externalId}`, externalId } } : {}),
      ...(limit ? { ratelimits: [limit] } : {}),
    };
  }

  #codeOf({ keyId, expires, credits }: SimulatedKey, enabled: boolean, exceeded: boolean): string {
    if (!enabled) return 'DISABLED';
    if (expires !== undefined && expires <= this.#now()) return 'EXPIRED';
    if (exceeded) return 'RATE_LIMITED';
    const used = this.#used.get(keyId) ?? 0;
    if (credits !== undefined && used >= credits) return 'USAGE_EXCEEDED';
    this.#used.set(keyId, used + 1);
    return 'VALID';
  }

  #take({ keyId, ratelimit }: SimulatedKey) {
    if (!ratelimit) return undefined;
    const now = this.#now();
    let window = this.#windows.get(keyId);
    if (!window || window.endMs <= now) {
      window = { endMs: (Math.floor(now / ratelimit.durationMs) + 1) * ratelimit.durationMs, taken: 0 };
      this.#windows.set(keyId, window);
    }
    window.taken += 1;
    return {
      exceeded: window.taken > ratelimit.limit,
      id: 'rl_sim',
      name: 'requests',
      limit: ratelimit.limit,
      duration: ratelimit.durationMs,
      reset: window.endMs,
      remaining: Math.max(0, ratelimit.limit - window.taken),
      autoApply: true,
    };
  }
}

function answer(workspace: Workspace, request: IncomingMessage, body: string, response: ServerResponse): void {
  if (workspace.fault === 'reset') {
    request.socket.destroy();
    return;
  }
  const reply = workspace.handle(request.url ?? '/', request.headers.authorization, body);
  const contentType = reply.status === 429 ? 'application/problem+json' : 'application/json';
  response.writeHead(reply.status, { 'content-type': contentType });
  response.end(JSON.stringify(reply.body));
}

function problem(status: number, type: string): Reply {
  const error = { title: type, detail: type, status, type };
  return { status, body: { meta: { requestId: 'req_sim' }, error } };
}
