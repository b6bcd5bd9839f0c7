// What an ensemble's expressions see of a run: its input, its state, and every step before by name. Must never build more
// than was asked for.
import type { Scope } from '../../expressions/template.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { unpackOutput } from '../../model/raw-value.ts';
import type { Task } from '../../model/run.ts';
import { isSuccessful, isTerminal } from '../../model/task-status.ts';
import type { Flow, Place } from '../tasks/task-type.ts';
import { nearest } from './run-scope.ts';

export class EnsembleScope implements Scope {
  readonly #flow: Flow;
  readonly #place: Place;
  /** A step that several expressions of one document read is looked at once. */
  #steps: Map<string, JsonObject> | undefined;

  constructor(flow: Flow, place: Place) {
    this.#flow = flow;
    this.#place = place;
  }

  lookup(root: string): JsonValue | undefined {
    const { run } = this.#flow;
    if (root === 'input' || root === 'trigger') return run.input.value;
    if (root === 'state') return run.variables.object.state ?? {};
    const known = this.#steps?.get(root);
    if (known) return known;
    const task = nearest(this.#flow, root, this.#place.scope);
    if (!task) return undefined;
    const view = stepView(task);
    this.#steps ??= new Map();
    this.#steps.set(root, view);
    return view;
  }
}

function stepView(task: Task): JsonObject {
  const skipped = task.status === 'SKIPPED';
  const failed = isTerminal(task.status) && !isSuccessful(task.status);
  return {
    output: unpackOutput(task.output.object),
    success: isTerminal(task.status) && !failed,
    executed: isTerminal(task.status) && !skipped,
    failed,
    skipped,
    cached: false,
    duration: task.endedMs > 0 && task.startedMs > 0 ? task.endedMs - task.startedMs : 0,
    status: task.status,
    error: failed ? task.reason : null,
  };
}
