// The EVENT system task: publishes an event to the handlers of this server and does what each of them says, one action
// after another. An action that fails is noted in the task's output, and fails nothing: whoever publishes does not know
// who listens. Must never start a run twice, however often the task is worked on: a start goes by an idempotency key.
import { isTruthy, type ScriptRunner } from '../../expressions/javascript.ts';
import { AppError } from '../../model/error.ts';
import { type EventHandler, eventName } from '../../model/event-handler.ts';
import { EMPTY_OBJECT, Json, type JsonObject } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import type { InProcessResult, InProcessWorker, Stop } from '../../orchestrator/ports.ts';
import { type EventActions, type Published, perform } from './perform-action.ts';

export interface EventWorkerOptions {
  /** Tasks may be handed out while it is still being opened. */
  readonly orchestrator: Promise<EventActions>;
  readonly script: ScriptRunner;
  /** How long to wait for a store that is away before an action is tried again. */
  readonly retryMs?: number;
}

const CONCURRENCY = 16;
const RETRY_MS = 250;

export function createEventWorker(options: EventWorkerOptions): InProcessWorker {
  return {
    queue: 'EVENT',
    concurrency: CONCURRENCY,
    // The input as it is stored, vault keys concealed: who listens to an event gets no key by it.
    execute: async (task, run, _filled, stop) => {
      const published = publication(task, run);
      if (!published) return unknownSink(task);
      const orchestrator = await options.orchestrator;
      const done: JsonObject[] = [];
      for (const handler of orchestrator.eventHandlers()) {
        if (!handler.active || handler.event !== published.name) continue;
        done.push(...(await handle(options, orchestrator, handler, published, stop)));
      }
      const output = { ...published.payload, event_produced: published.name, event_handled: done };
      const status = task.input.object.asyncComplete === true ? 'IN_PROGRESS' : 'COMPLETED';
      return { status, output: Json.of(output), reason: null };
    },
  };
}

function publication(task: Task, run: Run): Published | null {
  const { sink } = task.input.object;
  const name = typeof sink === 'string' ? eventName(sink, run.name, task.ref) : null;
  if (name === null) return null;
  const payload: JsonObject = {
    ...task.input.object,
    workflowInstanceId: run.id,
    workflowType: run.name,
    workflowVersion: run.version,
    correlationId: run.correlationId,
  };
  return { name, payload, taskId: task.id, run };
}

async function handle(
  { script, retryMs = RETRY_MS }: EventWorkerOptions,
  orchestrator: EventActions,
  { name, condition, actions }: EventHandler,
  published: Published,
  stop: Stop,
): Promise<JsonObject[]> {
  if (condition !== undefined) {
    const judged = script(condition, published.payload);
    if (!judged.ok) return [{ handler: name, error: `condition: ${judged.error}` }];
    if (!isTruthy(judged.value)) return [];
  }
  const done: JsonObject[] = [];
  for (const [index, action] of actions.entries()) {
    const about = { handler: name, action: action.action };
    const work = () => perform(orchestrator, action, `${name} ${index}`, published);
    done.push({ ...about, ...(await patiently(work, stop, retryMs)) });
  }
  return done;
}

/** Until the store has taken it: a task that ended without it would have lost the event. */
async function patiently(work: () => Promise<JsonObject>, stop: Stop, retryMs: number): Promise<JsonObject> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code !== 'store_unavailable') return { error: error.message };
      // Nothing is reported by a server that stops: another works on the task again.
      if (stop.stopped) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
  }
}

function unknownSink({ input }: Task): InProcessResult {
  const reason = `Invalid / Unsupported sink specified: ${JSON.stringify(input.object.sink).slice(0, 200)}: use conductor, or conductor:<name>`;
  return { status: 'FAILED_WITH_TERMINAL_ERROR', output: EMPTY_OBJECT, reason };
}
