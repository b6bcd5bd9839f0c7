// Starts the mixed runs, each with an idempotency key so that a start whose answer is lost can be asked for again, and
// knows what every one of them must come to.
import type { Cluster } from './cluster.ts';
import { CHILDREN, type Shape, TASK_DEFINITIONS } from './shapes.ts';

export interface Started {
  readonly id: string;
  readonly value: number;
  readonly shape: Shape;
}

export interface Pace {
  readonly runs: number;
  /** Between two starts of one caller. */
  readonly everyMs: () => number;
}

/** Starting at once. */
const CALLERS = 6;

export class Load {
  readonly started: Started[] = [];
  readonly oddities: string[] = [];
  readonly #cluster: Cluster;
  readonly #shapes: readonly Shape[];

  constructor(cluster: Cluster, shapes: readonly Shape[]) {
    this.#cluster = cluster;
    this.#shapes = shapes;
  }

  async register(): Promise<void> {
    await this.#cluster.ask(0, 'POST', '/api/metadata/taskdefs', TASK_DEFINITIONS);
    const definitions = [...CHILDREN, ...this.#shapes].map(({ definition }) => definition);
    await this.#cluster.ask(1, 'PUT', '/api/metadata/workflow', definitions);
  }

  /** Resolves when every start, and every stop of those to be stopped, is acknowledged. */
  async start({ runs, everyMs }: Pace): Promise<void> {
    let next = 0;
    const lane = async (_: unknown, number: number) => {
      const caller = this.#cluster.caller(number);
      while (next < runs) {
        const value = next;
        next += 1;
        const shape = this.#shapes[value % this.#shapes.length];
        if (!shape) throw new RangeError('There are no shapes.');
        const body = {
          name: shape.definition.name,
          input: { value, ...shape.input?.(value) },
          idempotencyKey: `run-${value}`,
          idempotencyStrategy: 'RETURN_EXISTING',
        };
        const answer = await caller.insist(() => ({ method: 'POST', path: '/api/workflow', body }));
        if (answer.status !== 200) this.oddities.push(`start ${value}: ${answer.status} ${answer.text}`);
        else this.started.push({ id: answer.text, value, shape });
        await new Promise((resolve) => setTimeout(resolve, everyMs()));
        if (shape.stopped) await this.#stop(answer.text, number);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, lane));
  }

  async #stop(id: string, number: number): Promise<void> {
    const caller = this.#cluster.caller(number + 1);
    const answer = await caller.insist(() => ({ method: 'DELETE', path: `/api/workflow/${id}?reason=enough` }));
    if (answer.status >= 300) this.oddities.push(`stop ${id}: ${answer.status} ${answer.text}`);
  }
}
