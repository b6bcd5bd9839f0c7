// Which retry, timeout and rate rules hold for a step: its own retryCount over an inline definition over the registered
// one over the defaults of its kind. Must never look at a run.
import type { JsonObject } from '../../model/json.ts';
import { adHocTaskDefinition, type TaskDefinition } from '../../model/task-definition.ts';
import type { WorkflowTask } from '../../model/workflow-definition.ts';

export type TaskDefinitions = Readonly<Record<string, TaskDefinition>>;

/** Ad-hoc rules are equal but for the name: parsed once. */
const AD_HOC = adHocTaskDefinition('ad-hoc');
const PASSIVE = { ...AD_HOC, retryCount: 0, responseTimeoutSeconds: 0 };

/** Thousands of branches share one inline definition, parsed once: so should its rules be made once. */
const inlineRules = new WeakMap<object, TaskDefinition>();

/** `handed`: a SIMPLE task, which gets Conductor's ad-hoc rules when nobody registered it; system types get none. */
export function rulesFor(task: WorkflowTask, registered: TaskDefinition | undefined, handed: boolean): TaskDefinition {
  const base = rulesByName(task.name, registered, handed);
  return task.retryCount === undefined ? base : { ...base, retryCount: task.retryCount };
}

/** The inline or registered definition of a step, without its own retryCount. */
export function registeredRules(task: WorkflowTask, definitions: TaskDefinitions): TaskDefinition | undefined {
  const { taskDefinition: inline, name } = task;
  if (!inline) return Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  const known = inlineRules.get(inline);
  if (known?.name === name) return known;
  const rules = { ...inline, name };
  inlineRules.set(inline, rules);
  return rules;
}

/** Rules of a task type that only a run names (DYNAMIC, dynamic forks). */
export function rulesByName(name: string, definition: TaskDefinition | undefined, handed: boolean): TaskDefinition {
  return definition ?? { ...(handed ? AD_HOC : PASSIVE), name };
}

/** A task definition as a document of what differs from the defaults: thousands of branches may each carry it. */
export function shortForm(definition: TaskDefinition): JsonObject {
  const defaults = new Map<string, unknown>(Object.entries(AD_HOC));
  const short: JsonObject = {};
  for (const [key, value] of Object.entries(definition)) {
    if (key === 'name' || value === undefined) continue;
    if (JSON.stringify(value) !== JSON.stringify(defaults.get(key))) short[key] = value;
  }
  return short;
}
