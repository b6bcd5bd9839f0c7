// What it takes to read and write definitions, registered or brought along with a start. Owns the rule beside a route's
// own permission: whoever asks for a budget issues keys.
import type { Access, Principal } from '../../../access/access.ts';
import { budgetVendors } from '../../../engine/plan/budget-vendors.ts';
import type { StartRequest } from '../../../model/start-request.ts';
import type { WorkflowDefinition } from '../../../model/workflow-definition.ts';
import { permission } from '../../permission.ts';

export const METADATA_READ = () => permission('metadata', '*', 'read');
export const METADATA_WRITE = () => permission('metadata', '*', 'write');

/** Throws AppError forbidden. */
export function requireIssuer(access: Access, principal: Principal, definition: WorkflowDefinition): void {
  for (const vendor of budgetVendors(definition)) access.require(principal, permission('vault', vendor, 'issue'));
}

/** A definition that comes along with a start goes by its own name, whatever the start is called. Throws AppError forbidden. */
export function requireStarter(access: Access, principal: Principal, { workflowDef }: StartRequest): void {
  if (!workflowDef) return;
  access.require(principal, permission('workflow', workflowDef.name, 'execute'));
  requireIssuer(access, principal, workflowDef);
}
