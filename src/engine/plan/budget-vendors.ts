// On which vendors a definition asks for money: its own budget, and those of definitions written inside it. Owns the
// search; must never say who may ask. A definition that an expression makes is looked at when it is there.
import { isJsonObject } from '../../model/json.ts';
import { type WorkflowDefinition, workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { allTasks } from './task-names.ts';

export function budgetVendors(definition: WorkflowDefinition): Set<string> {
  const vendors = new Set(Object.keys(definition.budget ?? {}));
  for (const { subWorkflowParam } of allTasks(definition.tasks)) {
    if (!isJsonObject(subWorkflowParam?.workflowDefinition)) continue;
    const inner = workflowDefinitionSchema.safeParse(subWorkflowParam.workflowDefinition);
    if (inner.success) for (const vendor of budgetVendors(inner.data)) vendors.add(vendor);
  }
  return vendors;
}

/**
 * Why a definition that came as data may not be started, or undefined. Whoever wrote the data was never asked whether
 * it may issue keys: a worker could give itself a budget.
 */
export function unaskedBudget(definition: WorkflowDefinition): string | undefined {
  const [vendor] = budgetVendors(definition);
  if (vendor === undefined) return undefined;
  return `The definition ${definition.name} was made at run time, so it may not have a budget (${vendor}). Register it, and start it by name`;
}
