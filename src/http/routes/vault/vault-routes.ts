// The vault's control routes, collected: keys, audit and spend, vendor secrets. The proxy is not among them: it takes its
// requests raw.
import type { Vault } from '../../../vault/create-vault.ts';
import type { Route } from '../../route.ts';
import { auditRoutes } from './audit.ts';
import { issueRoutes } from './issue.ts';
import { keyRoutes } from './keys.ts';
import { secretRoutes } from './secrets.ts';

/** `/v1/keys…` are the same routes as `/vault/keys…`. */
export function vaultRoutes(vault: Vault): Route[] {
  const keys = [...issueRoutes(vault), ...keyRoutes(vault)];
  const aliases = keys.map((route) => ({ ...route, path: route.path.replace('/vault/', '/v1/') }));
  return [...keys, ...aliases, ...auditRoutes(vault), ...secretRoutes(vault)];
}
