// An ensemble: YAML that became a workflow definition, with what starts it. Owns the shape after reading; a run of it is
// a run of `definition`.
import type { AgentDefinition, SourcePosition } from './agent.ts';
import type { JsonValue } from './json.ts';
import type { Trigger } from './trigger.ts';
import type { WorkflowDefinition } from './workflow-definition.ts';

export interface EnsembleInputField {
  readonly name: string;
  readonly type: string | null;
  readonly description: string | null;
  readonly required: boolean;
  /** Undefined: none. */
  readonly default: JsonValue | undefined;
}

export interface Ensemble {
  readonly name: string;
  readonly description: string | null;
  /** Undefined: as `api.execution.ensembles.requireExplicit` says. */
  readonly apiExecutable: boolean | undefined;
  readonly inputs: readonly EnsembleInputField[];
  readonly triggers: readonly Trigger[];
  /** `expressionLanguage: 'ensemble'`; the same object for every run, so that it is compiled once. */
  readonly definition: WorkflowDefinition;
  /** Agents written into it, by plain name. */
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  /** Every step is written before the next one begins. */
  readonly durable: boolean;
  /** `failures`: a run that ends well in memory is not written. For public pages that anybody may ask for at will. */
  readonly history: 'all' | 'failures';
  readonly origin: 'file' | 'built-in';
  readonly position: SourcePosition;
}
