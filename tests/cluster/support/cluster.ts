// Replicas as processes on one database, and callers that move to the next replica when one does not answer: what a load
// balancer, or a worker with a list of addresses, does. Owns the processes.
import { randomBytes } from 'node:crypto';
import { ReplicaProcess } from './replica-process.ts';

export interface ClusterOptions {
  readonly databaseUrl: string;
  readonly replicas?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** A replica that is silent for so long is taken for dead. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 3_000;
const PAUSE_MS = 25;

export class Cluster {
  readonly replicas: readonly ReplicaProcess[];
  /** An API key, good at every replica. */
  readonly key: string;
  /** Answers 503 of replicas that do not promise success to who repeats the call. */
  readonly brokenRefusals: string[] = [];
  refusals = 0;
  #watchers: { readonly replica: ReplicaProcess; readonly reported: () => void }[] = [];

  private constructor(replicas: readonly ReplicaProcess[], key: string) {
    this.replicas = replicas;
    this.key = key;
  }

  static async open({ databaseUrl, replicas = 3, args = [], env = {} }: ClusterOptions): Promise<Cluster> {
    const shared = { CONDUCTOR_DATABASE: databaseUrl, CONDUCTOR_MASTER_KEY: randomBytes(32).toString('base64') };
    const processes: ReplicaProcess[] = [];
    for (let i = 0; i < replicas; i += 1) {
      processes.push(await ReplicaProcess.create({ args, env: { ...shared, ...env } }));
    }
    try {
      // All at once: they migrate the same empty database.
      await Promise.all(processes.map((replica) => replica.start()));
      return new Cluster(processes, await makeKey(processes));
    } catch (error) {
      await Promise.all(processes.map((replica) => replica.dispose()));
      throw error;
    }
  }

  /** Counted round and round. */
  replica(number: number): ReplicaProcess {
    const replica = this.replicas[number % this.replicas.length];
    if (!replica) throw new RangeError('The cluster has no replicas.');
    return replica;
  }

  /** One call to one replica. Null when it does not answer. */
  async at(number: number, call: Call): Promise<Answer | null> {
    this.#watched(number, call);
    const answer = await send(this.replica(number).url, this.key, call);
    if (answer?.status !== 503) return answer;
    this.refusals += 1;
    if (!/"retryable":true/.test(answer.text)) this.brokenRefusals.push(`${call.path}: ${answer.text}`);
    return answer;
  }

  /** One call to one replica, which must answer it with 2xx. */
  async ask(number: number, method: string, path: string, body?: unknown): Promise<string> {
    const answer = await this.at(number, { method, path, body, patienceMs: 30_000 });
    if (answer && answer.status < 300) return answer.text;
    throw new Error(`${method} ${path}: ${answer ? `${answer.status} ${answer.text}` : 'no answer'}`);
  }

  /** Resolves when somebody sends a task's result to a replica. */
  nextReport(number: number): Promise<void> {
    return new Promise((reported) => this.#watchers.push({ replica: this.replica(number), reported }));
  }

  #watched(number: number, { method, path }: Call): void {
    if (this.#watchers.length === 0 || method !== 'POST' || !path.startsWith('/api/tasks')) return;
    const replica = this.replica(number);
    for (const watcher of this.#watchers) if (watcher.replica === replica) watcher.reported();
    this.#watchers = this.#watchers.filter((watcher) => watcher.replica !== replica);
  }

  caller(first: number): Caller {
    return new Caller(this, first);
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.dispose()));
  }
}

/** Somebody who works with one replica until it fails, and then with the next. */
export class Caller {
  readonly #cluster: Cluster;
  #at: number;

  constructor(cluster: Cluster, first: number) {
    this.#cluster = cluster;
    this.#at = first;
  }

  /** Null when the replica was not able to answer: the next call goes to another one. */
  async try(call: Call): Promise<Answer | null> {
    const at = this.#at;
    const answer = await this.#cluster.at(at, call);
    if (answer && answer.status !== 503) return answer;
    // Others that share this caller may have moved on meanwhile.
    if (this.#at === at) this.#at += 1;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return null;
  }

  /** Until it is answered; `call` is made anew for each try. */
  async insist(call: () => Call): Promise<Answer> {
    for (;;) {
      const answer = await this.try(call());
      if (answer) return answer;
    }
  }
}

async function send(url: string, key: string, call: Call): Promise<Answer | null> {
  const { method, path, body, patienceMs = PATIENCE_MS } = call;
  try {
    const response = await fetch(url + path, {
      method,
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(patienceMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  } catch {
    return null;
  }
}

async function makeKey(replicas: readonly ReplicaProcess[]): Promise<string> {
  const [first] = replicas;
  if (!first) throw new RangeError('A cluster needs a replica.');
  const made = await send(first.url, await first.localKey(), {
    method: 'POST',
    path: '/api/v1/admin/keys',
    body: { name: 'cluster', permissions: ['*'], expires: '1d' },
    patienceMs: 30_000,
  });
  if (made?.status !== 201 && made?.status !== 200) throw new Error(`No key was made: ${made?.text}`);
  const { key } = JSON.parse(made.text);
  return String(key);
}
