// Who may execute what over the API, in the order in which it is asked: a credential, the permission (whether or not the
// thing exists, so that a refusal tells nothing), the thing itself, and whether it may be executed over the API at all.
import type { Principal } from '../../../access/access.ts';
import type { Guard } from '../../../access/guard.ts';
import { AppError } from '../../../model/error.ts';
import { permission } from '../../permission.ts';
import type { HttpRequest, Requirement } from '../../route.ts';
import type { EnsembleDeps } from './deps.ts';

export type Kind = 'ensemble' | 'agent';

/** A refusal that its caller is told the reason of. */
class Refusal extends AppError {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super('forbidden', message);
    this.reason = reason;
  }
}

/** A credential, or nobody where the access policy lets nobody in here. */
export function entrance({ access }: EnsembleDeps): Guard {
  return ({ header }) => access.authenticate(header, 'executeApi');
}

/** What executing asks of a caller. `of` finds out what is to be executed; null: that is not clear, and a later error. */
export function toExecute(
  deps: EnsembleDeps,
  of: (request: HttpRequest) => Target | null | Promise<Target | null>,
): Requirement {
  const required = (target: Target | null): string => (target ? checkedPermission(deps, target) : '');
  return {
    guard: entrance(deps),
    permission: (request) => {
      const target = of(request);
      return target instanceof Promise ? target.then(required) : required(target);
    },
  };
}

export interface Target {
  readonly kind: Kind;
  readonly name: string;
}

function checkedPermission({ policy }: EnsembleDeps, { kind, name }: Target): string {
  if (kind === 'agent' && !policy.allowDirectAgentExecution) {
    throw new Refusal('DIRECT_EXECUTION_DISABLED', 'Direct agent execution is disabled. Use ensembles instead.');
  }
  return policy.autoPermissions ? permission(kind, name, 'execute') : '';
}

/** Whether the caller may know of it: as may execute it. */
export function mayKnow({ access, policy }: EnsembleDeps, principal: Principal, { kind, name }: Target): boolean {
  return !policy.autoPermissions || access.allows(principal, permission(kind, name, 'execute'));
}

/** The matrix of `apiExecutable` and `requireExplicit`. */
export function isApiExecutable(flag: boolean | undefined, requireExplicit: boolean): boolean {
  return flag ?? !requireExplicit;
}

/** Throws AppError forbidden. */
export function assertApiExecutable({ kind, name }: Target, flag: boolean | undefined, requireExplicit: boolean): void {
  if (isApiExecutable(flag, requireExplicit)) return;
  const title = kind === 'agent' ? 'Agent' : 'Ensemble';
  throw new Refusal(
    'EXECUTION_NOT_ALLOWED',
    flag === false
      ? `${title} "${name}" may not be executed over the API: it says apiExecutable: false.`
      : `${title} "${name}" may not be executed over the API: only what says apiExecutable: true may.`,
  );
}

export function notFound({ kind, name }: Target): AppError {
  return new AppError('not_found', `${kind === 'agent' ? 'Agent' : 'Ensemble'} not found: ${name}`);
}
