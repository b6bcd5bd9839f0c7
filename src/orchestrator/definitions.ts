// The registry: definitions as registered, and plans compiled from frozen copies of them. Compiles once per change,
// never per run. Must never decide anything about a run.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { compileAccepted, compilePlan, taskNamesOf } from '../engine/plan/compile.ts';
import type { Plan } from '../engine/plan/plan.ts';
import type { EventHandler } from '../model/event-handler.ts';
import { Json, type JsonObject } from '../model/json.ts';
import type { Snapshot } from '../model/run.ts';
import { type TaskDefinition, taskDefinitionSchema } from '../model/task-definition.ts';
import { type WorkflowDefinition, workflowDefinitionSchema } from '../model/workflow-definition.ts';
import type { Reads } from '../store/reads.ts';

/** Plans of inline definitions come and go; this many stay compiled. */
const PLANS_MAX = 2_000;

interface Frozen {
  readonly plan: Plan;
  readonly snapshot: Snapshot;
}

export class Definitions {
  readonly #workflows = new Map<string, Map<number, WorkflowDefinition>>();
  readonly #tasks = new Map<string, TaskDefinition>();
  readonly #handlers = new Map<string, EventHandler>();
  /** By definition object: dropped with it when it is replaced, emptied when task definitions change. */
  #frozen = new WeakMap<WorkflowDefinition, Frozen>();
  readonly #plans = new Map<string, Plan>();
  /** Plans of stored copies: what holds for their runs need not hold for a new one. */
  readonly #unjudged = new WeakSet<Plan>();

  /** Replaces what memory holds by what is committed, at one stroke. */
  async load(reads: Reads): Promise<void> {
    const [tasks, workflows, handlers] = await Promise.all([
      reads.taskDefinitions(),
      reads.definitions(),
      reads.eventHandlers(),
    ]);
    this.#workflows.clear();
    this.#tasks.clear();
    this.#handlers.clear();
    this.#frozen = new WeakMap();
    for (const task of tasks) this.#tasks.set(task.name, task);
    for (const workflow of workflows) this.put(workflow);
    for (const handler of handlers) this.putHandler(handler);
  }

  put(definition: WorkflowDefinition): void {
    const versions = this.#workflows.get(definition.name) ?? new Map<number, WorkflowDefinition>();
    versions.set(definition.version, definition);
    this.#workflows.set(definition.name, versions);
  }

  remove(name: string, version: number): boolean {
    const versions = this.#workflows.get(name);
    const removed = versions?.delete(version) ?? false;
    if (versions?.size === 0) this.#workflows.delete(name);
    return removed;
  }

  /** A version, or the latest when `version` is null. */
  get(name: string, version: number | null): WorkflowDefinition | null {
    const versions = this.#workflows.get(name);
    if (!versions) return null;
    return versions.get(version ?? Math.max(...versions.keys())) ?? null;
  }

  all(): WorkflowDefinition[] {
    return [...this.#workflows.values()].flatMap((versions) => [...versions.values()]);
  }

  putTask(definition: TaskDefinition): void {
    this.#tasks.set(definition.name, definition);
    this.#frozen = new WeakMap();
  }

  removeTask(name: string): boolean {
    this.#frozen = new WeakMap();
    return this.#tasks.delete(name);
  }

  task(name: string): TaskDefinition | null {
    return this.#tasks.get(name) ?? null;
  }

  tasks(): TaskDefinition[] {
    return [...this.#tasks.values()];
  }

  putHandler(handler: EventHandler): void {
    this.#handlers.set(handler.name, handler);
  }

  removeHandler(name: string): boolean {
    return this.#handlers.delete(name);
  }

  handler(name: string): EventHandler | null {
    return this.#handlers.get(name) ?? null;
  }

  handlers(): EventHandler[] {
    return [...this.#handlers.values()];
  }

  /** The frozen copy a run starting now would follow. Throws AppError invalid_definition. */
  freeze(definition: WorkflowDefinition): Frozen {
    const known = this.#frozen.get(definition);
    if (known) return known;
    const taskDefinitions: Record<string, TaskDefinition> = {};
    for (const name of taskNamesOf(definition)) {
      const task = this.#tasks.get(name);
      if (task) taskDefinitions[name] = task;
    }
    const document = Json.text(JSON.stringify({ definition, taskDefinitions }));
    const id = bytesToHex(sha256(utf8ToBytes(document.text))).slice(0, 32);
    const compiled = this.#plans.get(id);
    const plan = compiled && !this.#unjudged.has(compiled) ? compiled : compilePlan(definition, taskDefinitions, id);
    this.#keep(id, plan);
    const frozen = { plan, snapshot: { id, document } };
    this.#frozen.set(definition, frozen);
    return frozen;
  }

  /** The plan of a stored snapshot. */
  async plan(snapshotId: string, reads: Reads): Promise<Plan> {
    const known = this.#plans.get(snapshotId);
    if (known) return known;
    const snapshot = await reads.snapshot(snapshotId);
    if (!snapshot) throw new Error(`snapshot ${snapshotId} is missing`);
    const { definition, taskDefinitions } = snapshot.document.object;
    const plan = compileAccepted(workflowDefinitionSchema.parse(definition), parseTasks(taskDefinitions), snapshotId);
    this.#unjudged.add(plan);
    this.#keep(snapshotId, plan);
    return plan;
  }

  #keep(id: string, plan: Plan): void {
    this.#plans.delete(id);
    this.#plans.set(id, plan);
    const oldest = this.#plans.keys().next().value;
    if (this.#plans.size > PLANS_MAX && oldest !== undefined) this.#plans.delete(oldest);
  }
}

function parseTasks(stored: unknown): Record<string, TaskDefinition> {
  const entries = Object.entries((stored ?? {}) as JsonObject);
  return Object.fromEntries(entries.map(([name, task]) => [name, taskDefinitionSchema.parse(task)]));
}
