// Permissions of the vault's routes: `vault:<vendor>:<action>`. A request that names no vendor needs the action for all
// of them, which is the one vendor while there is only one.
import { permission } from '../../permission.ts';

export type VaultAction = 'issue' | 'resolve' | 'read' | 'revoke' | 'manage';

export function vaultPermission(vendor: string, action: VaultAction): string {
  return permission('vault', vendor, action);
}

/** For requests over several vendors, or none in particular. */
export function anyVendor(vendors: ReadonlySet<string>, action: VaultAction): string {
  const [only] = vendors;
  return vaultPermission(only !== undefined && vendors.size === 1 ? only : '*', action);
}
