// Sends the notice of each approval that asks for one, at least once: what was sent is noted in the task, and what a crash
// left unsent goes out at the next start. Must never hold up an execution, nor keep a link anywhere.
import type { SafeFetch } from '../egress/egress.ts';
import { fillEnvText } from '../expressions/ensemble/env.ts';
import { isJsonObject, Json } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import type { ApprovalTokens } from '../operations/hitl/approval-tokens.ts';
import { notifyApprovers } from '../operations/hitl/notify-approvers.ts';
import type { Orchestrator } from '../orchestrator/orchestrator-api.ts';
import type { Reads } from '../store/reads.ts';
import { fillEnvironment } from './agent-environment.ts';
import { isExecution } from './call-record.ts';

export interface ApprovalNotifierOptions {
  readonly orchestrator: Pick<Orchestrator, 'decideTask'>;
  readonly reads: Pick<Reads, 'openRuns' | 'taskById'>;
  readonly tokens: ApprovalTokens;
  readonly fetch: SafeFetch;
  readonly env: () => Readonly<Record<string, string | undefined>>;
  readonly publicUrl: string;
  readonly clock: { now(): number };
  readonly log: { warn(message: string, details: Readonly<Record<string, unknown>>): void };
}

/** Waits before the second, third … attempt. After the last the next start tries again. */
const RETRY_AFTER_MS = [1_000, 10_000, 60_000, 600_000];
const PAGE = 500;
/** At once, while catching up: one webhook that hangs must not hold up all the others. */
const SENDING_MAX = 32;

export class ApprovalNotifier {
  readonly #options: ApprovalNotifierOptions;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** By task. */
  readonly #sending = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(options: ApprovalNotifierOptions) {
    this.#options = options;
  }

  /** Never rejects, and answers at once. */
  tell(taskId: string, attempt = 0): void {
    if (this.#stopped || this.#sending.has(taskId)) return;
    const sending = this.#send(taskId).then(
      () => void this.#sending.delete(taskId),
      (error: unknown) => {
        this.#sending.delete(taskId);
        this.#failed(taskId, attempt, error);
      },
    );
    this.#sending.set(taskId, sending);
  }

  /** What was opened before this start and not told of. */
  async catchUp(): Promise<void> {
    const { reads } = this.#options;
    for (let after = 0; !this.#stopped; ) {
      const page = await reads.openRuns(after, PAGE);
      for (const { tasks } of page) {
        // Approvals wait for no worker, and end at an instant.
        const may = tasks.filter(
          ({ queue, status, visibleMs }) => queue === null && status === 'IN_PROGRESS' && visibleMs > 0,
        );
        for (const { id } of may) {
          while (this.#sending.size >= SENDING_MAX) await Promise.race(this.#sending.values());
          this.tell(id);
        }
      }
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      after = last.rowId;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#sending.values());
  }

  async #send(taskId: string): Promise<void> {
    const { clock, env, fetch, orchestrator, publicUrl, reads, tokens } = this.#options;
    const found = await reads.taskById(taskId);
    if (!found || !wantsNotice(found.task)) return;
    const { task, run } = found;
    const variables = env();
    const given = task.input.object;
    const input = isExecution(run) ? fillEnvironment(given, (text) => fillEnvText(text, variables)) : given;
    const asked = { executionId: run.id, taskId, input, output: task.output.object };
    if (!(await notifyApprovers(asked, tokens, fetch, publicUrl))) return;
    const notifiedAt = clock.now();
    await orchestrator.decideTask(taskId, (now: Task, _run: Run) => {
      if (!wantsNotice(now)) return null;
      return { status: 'IN_PROGRESS', output: Json.of({ ...now.output.object, notifiedAt }), reason: null };
    });
  }

  #failed(taskId: string, attempt: number, error: unknown): void {
    const waitMs = RETRY_AFTER_MS[attempt];
    this.#options.log.warn('the approvers could not be notified', { taskId, error, again: waitMs !== undefined });
    if (waitMs === undefined || this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.tell(taskId, attempt + 1);
    }, waitMs);
    timer.unref();
    this.#timers.add(timer);
  }
}

function wantsNotice({ type, status, input, output }: Task): boolean {
  const { config } = input.object;
  const wanted = isJsonObject(config) && config.notificationChannel === 'webhook';
  return wanted && type === 'APPROVAL' && status === 'IN_PROGRESS' && output.object.notifiedAt === undefined;
}
