// What a route tells the executor about who calls and from where. Must never hold a credential.
import type { Principal } from '../access/access.ts';
import type { CallContext } from '../ensembles/executor.ts';
import type { VisitorSource } from '../visitor/visitor.ts';
import type { HttpRequest } from './route.ts';

type AuthContext = CallContext['auth'];

const NOT_AUTHENTICATED: AuthContext = { authenticated: false, method: null, user: null };

export function callContext(request: HttpRequest, visitor: VisitorSource, trigger: string): CallContext {
  return {
    requestId: request.id,
    auth: authContext(request.principal),
    visitor: visitor.of(request.header, request.origin),
    trigger,
  };
}

export function authContext(principal: Principal): AuthContext {
  const { id, method = 'apiKey', permissions, roles = [], metadata = {}, userId = id } = principal;
  if (id === 'anonymous') return NOT_AUTHENTICATED;
  return { authenticated: true, method, userId, user: { id, roles, permissions, metadata } };
}
