// How a definition's expressions are read: as Conductor reads `${…}`, or as ensembles do. Chosen once per definition,
// when it is compiled. Must never look at a run.
import { type Condition, compileCondition } from '../../expressions/ensemble/condition.ts';
import { compileOutputBlocks } from '../../expressions/ensemble/output-blocks.ts';
import { compileEnsembleTemplate } from '../../expressions/ensemble/template.ts';
import { compileTemplate, type Template } from '../../expressions/template.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';

export interface Language {
  template(document: JsonValue): Template;
  output(parameters: JsonObject): Template;
  /** Null: such a definition has no conditions. */
  readonly condition: ((text: string) => Condition) | null;
  /** Roots that name no task. */
  readonly freeRoots: ReadonlySet<string>;
}

export const CONDUCTOR: Language = {
  template: compileTemplate,
  output: compileTemplate,
  condition: null,
  freeRoots: new Set(['workflow', 'CPEWF_TASK_ID', 'NETFLIX_STACK', 'NETFLIX_ENVIRONMENT']),
};

const ENSEMBLE: Language = {
  template: compileEnsembleTemplate,
  output: compileOutputBlocks,
  condition: compileCondition,
  freeRoots: new Set(['input', 'trigger', 'state', 'env']),
};

export function languageOf({ expressionLanguage }: Pick<WorkflowDefinition, 'expressionLanguage'>): Language {
  return expressionLanguage === 'ensemble' ? ENSEMBLE : CONDUCTOR;
}
