// Looks into the cluster's database beside the replicas: what is still open, what was made. Must never write.
import pg from 'pg';

export interface OpenWork {
  readonly runs: number;
  readonly tasks: number;
  readonly signals: number;
}

const OPEN = `select
  (select count(*)::int from run where ended_ms = 0) as runs,
  (select count(*)::int from task where queue_key is not null or due_ms > 0) as tasks,
  (select count(*)::int from signal) as signals,
  (select count(*)::int from task) as all_tasks,
  (select coalesce(sum(revision), 0)::text from run) as revisions`;
const STUCK = `select run.id, run.name, run.status, string_agg(concat_ws(' ', task.id, task.status, task.queue_key,
    task.worker_id, task.ready_ms, task.due_ms), '; ') as tasks
  from run left join task on task.run_row_id = run.row_id
    and task.status in ('SCHEDULED', 'IN_PROGRESS')
  where ended_ms = 0 group by run.row_id limit 5`;

/** Nothing moves for so long: something is stuck, and the test says what instead of waiting for its end. */
const STUCK_MS = 45_000;
const LOOK_EVERY_MS = 100;

export class DatabaseLook {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<DatabaseLook> {
    const client = new pg.Client(url);
    // Ends with the database, when a test ends that.
    client.on('error', () => undefined);
    await client.connect();
    return new DatabaseLook(client);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  /** How many runs of each name there are. */
  async runsByName(): Promise<Record<string, number>> {
    const { rows } = await this.#client.query<{ name: string; n: number }>(
      'select name, count(*)::int as n from run group by name',
    );
    return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
  }

  /** Resolves when no run, task, timer or signal is open. Rejects when nothing moves any more. */
  async untilQuiet(): Promise<void> {
    let [seen, sinceMs] = ['', Date.now()];
    for (;;) {
      const { rows } = await this.#client.query<OpenWork>(OPEN);
      const [open] = rows;
      if (open && open.runs + open.tasks + open.signals === 0) return;
      const now = JSON.stringify(open);
      if (now !== seen) [seen, sinceMs] = [now, Date.now()];
      else if (Date.now() - sinceMs > STUCK_MS) throw new Error(`stuck at ${now}: ${await this.#stuck()}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async #stuck(): Promise<string> {
    const { rows } = await this.#client.query(STUCK);
    return JSON.stringify(rows, null, 1);
  }
}
