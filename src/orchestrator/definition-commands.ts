// Registering and removing definitions: checked by compiling, committed, and only then visible to starts.
import { compilePlan } from '../engine/plan/compile.ts';
import { taskDefinitionFaults } from '../engine/plan/task-definition-faults.ts';
import { AppError } from '../model/error.ts';
import type { EventHandler } from '../model/event-handler.ts';
import type { TaskDefinition } from '../model/task-definition.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { Freshness } from '../store/freshness.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { Definitions } from './definitions.ts';
import type { Loop } from './loop.ts';
import type { RunHooks } from './ports.ts';

/** As Conductor has it. An index of Postgres takes that many of any characters, and refuses the whole batch above 2.7 kB. */
const NAME_CHARS_MAX = 255;

export class DefinitionCommands {
  readonly #loop: Loop;
  readonly #definitions: Definitions;
  readonly #hooks: RunHooks;
  readonly #freshness: Freshness | null;

  constructor(loop: Loop, definitions: Definitions, hooks: RunHooks, freshness: Freshness | null) {
    this.#freshness = freshness;
    this.#loop = loop;
    this.#definitions = definitions;
    this.#hooks = hooks;
  }

  async put(definition: WorkflowDefinition, mode: 'create' | 'overwrite'): Promise<void> {
    this.#check(definition);
    await this.#write((batch, now) => {
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
    for (const definition of definitions) this.#check(definition);
    const latest = new Map(definitions.map((one) => [`${one.name}.${one.version}`, one]));
    await this.#write((batch, now) => {
      for (const definition of latest.values()) {
        const known = this.#definitions.get(definition.name, definition.version);
        const stamped = { ...definition, createTime: known?.createTime ?? now, updateTime: now };
        this.#definitions.put(stamped);
        batch.definitions.push(stamped);
      }
    });
  }

  async remove(name: string, version: number): Promise<void> {
    await this.#write((batch) => {
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
    await this.#write((batch, now) => {
      for (const definition of latest.values()) {
        const known = this.#definitions.task(definition.name);
        const stamped = { ...definition, createTime: known?.createTime ?? now, updateTime: now };
        this.#definitions.putTask(stamped);
        batch.taskDefinitions.push(stamped);
      }
    });
  }

  /** All or none. */
  async putHandlers(handlers: readonly EventHandler[], mode: 'create' | 'replace'): Promise<void> {
    const latest = new Map(handlers.map((one) => [one.name, one]));
    await this.#write((batch, now) => {
      for (const name of latest.keys()) {
        const known = this.#definitions.handler(name);
        if (known && mode === 'create')
          throw new AppError('conflict', `EventHandler with name ${name} already exists!`);
        if (!known && mode === 'replace') throw noSuchHandler(name);
      }
      for (const handler of latest.values()) {
        const known = this.#definitions.handler(handler.name);
        const stamped = { ...handler, createTime: known?.createTime ?? now, updateTime: now };
        withdraw(batch.eventHandlers, ({ name }) => name === handler.name);
        this.#definitions.putHandler(stamped);
        batch.eventHandlers.push(stamped);
      }
    });
  }

  async removeHandler(name: string): Promise<void> {
    await this.#write((batch) => {
      if (!this.#definitions.removeHandler(name)) throw noSuchHandler(name);
      withdraw(batch.eventHandlers, (one) => one.name === name);
      batch.removedEventHandlers.push(name);
    });
  }

  /** In a shared store nobody else registers anything until the round ends, and memory holds what is committed. */
  #write(decide: (batch: WriteBatch, now: number) => void): Promise<void> {
    const freshness = this.#freshness;
    if (!freshness) return this.#loop.transact(decide);
    return this.#loop.submit({
      load: async ({ shared }) => {
        if (shared) await freshness.accept(await shared.lockStamps());
      },
      decide,
    });
  }

  /** Compiling is the check: task definitions cannot make a definition invalid. */
  #check(definition: WorkflowDefinition): void {
    checkName(definition.name);
    compilePlan(definition, {}, 'check');
    this.#hooks.check(definition);
  }

  async removeTask(name: string): Promise<void> {
    await this.#write((batch) => {
      if (!this.#definitions.removeTask(name))
        throw new AppError('not_found', `No such taskType found by name: ${name}`);
      withdraw(batch.taskDefinitions, (one) => one.name === name);
      batch.removedTaskDefinitions.push(name);
    });
  }
}

function noSuchHandler(name: string): AppError {
  return new AppError('not_found', `EventHandler with name ${name} not found!`);
}

function checkName(name: string): void {
  if (name.length <= NAME_CHARS_MAX) return;
  const message = `must not be longer than ${NAME_CHARS_MAX} characters`;
  const field = { path: 'name', message, invalidValue: `${name.slice(0, 200)}…` };
  throw new AppError('invalid_definition', `name: ${message}, not ${name.length}`, [field]);
}

function checkTask(definition: TaskDefinition): void {
  checkName(definition.name);
  const faults = taskDefinitionFaults(definition);
  const [first] = faults;
  if (first) throw new AppError('invalid_definition', `TaskDef ${definition.name}: ${first.message}`, faults);
}

/** A batch has no order between its lists: what was put earlier in the round and is removed now must not be written. */
function withdraw<T>(rows: T[], matches: (row: T) => boolean): void {
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const row = rows[index];
    if (row !== undefined && matches(row)) rows.splice(index, 1);
  }
}
