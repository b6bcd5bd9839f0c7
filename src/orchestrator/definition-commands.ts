// Registering and removing definitions: checked by compiling, committed, and only then visible to starts.
import { compilePlan } from '../engine/plan/compile.ts';
import { AppError } from '../model/error.ts';
import type { TaskDefinition } from '../model/task-definition.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { Definitions } from './definitions.ts';
import type { Loop } from './loop.ts';

export class DefinitionCommands {
  readonly #loop: Loop;
  readonly #definitions: Definitions;

  constructor(loop: Loop, definitions: Definitions) {
    this.#loop = loop;
    this.#definitions = definitions;
  }

  async put(definition: WorkflowDefinition, mode: 'create' | 'overwrite'): Promise<void> {
    check(definition);
    await this.#loop.transact((batch, now) => {
      const known = this.#definitions.get(definition.name, definition.version);
      if (known && mode === 'create') {
        throw new AppError('conflict', `Workflow with ${definition.name}.${definition.version} already exists!`);
      }
      const stamped = { ...definition, createTime: known?.createTime ?? now, updateTime: now };
      this.#definitions.put(stamped);
      batch.definitions.push(stamped);
    });
  }

  /** All or none. */
  async putAll(definitions: readonly WorkflowDefinition[]): Promise<void> {
    for (const definition of definitions) check(definition);
    const latest = new Map(definitions.map((one) => [`${one.name}.${one.version}`, one]));
    await this.#loop.transact((batch, now) => {
      for (const definition of latest.values()) {
        const known = this.#definitions.get(definition.name, definition.version);
        const stamped = { ...definition, createTime: known?.createTime ?? now, updateTime: now };
        this.#definitions.put(stamped);
        batch.definitions.push(stamped);
      }
    });
  }

  async remove(name: string, version: number): Promise<void> {
    await this.#loop.transact((batch) => {
      if (!this.#definitions.remove(name, version)) {
        throw new AppError('not_found', `No such workflow definition: ${name} version: ${version}`);
      }
      withdraw(batch.definitions, (one) => one.name === name && one.version === version);
      batch.removedDefinitions.push({ name, version });
    });
  }

  async putTasks(definitions: readonly TaskDefinition[]): Promise<void> {
    for (const definition of definitions) checkTask(definition);
    const latest = new Map(definitions.map((one) => [one.name, one]));
    await this.#loop.transact((batch, now) => {
      for (const definition of latest.values()) {
        const known = this.#definitions.task(definition.name);
        const stamped = { ...definition, createTime: known?.createTime ?? now, updateTime: now };
        this.#definitions.putTask(stamped);
        batch.taskDefinitions.push(stamped);
      }
    });
  }

  async removeTask(name: string): Promise<void> {
    await this.#loop.transact((batch) => {
      if (!this.#definitions.removeTask(name))
        throw new AppError('not_found', `No such taskType found by name: ${name}`);
      withdraw(batch.taskDefinitions, (one) => one.name === name);
      batch.removedTaskDefinitions.push(name);
    });
  }
}

/** Compiling is the check: task definitions cannot make a definition invalid. */
function check(definition: WorkflowDefinition): void {
  compilePlan(definition, {}, 'check');
}

function checkTask(definition: TaskDefinition): void {
  const { name, responseTimeoutSeconds, timeoutSeconds } = definition;
  const problem =
    responseTimeoutSeconds < 1
      ? 'must be at least 1'
      : timeoutSeconds > 0 && responseTimeoutSeconds > timeoutSeconds
        ? `must not be more than timeoutSeconds (${timeoutSeconds})`
        : null;
  if (!problem) return;
  const message = `TaskDef ${name}: responseTimeoutSeconds ${problem}`;
  throw new AppError('invalid_definition', message, [
    { path: 'responseTimeoutSeconds', message: problem, invalidValue: String(responseTimeoutSeconds) },
  ]);
}

/** A batch has no order between its lists: what was put earlier in the round and is removed now must not be written. */
function withdraw<T>(rows: T[], matches: (row: T) => boolean): void {
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const row = rows[index];
    if (row !== undefined && matches(row)) rows.splice(index, 1);
  }
}
