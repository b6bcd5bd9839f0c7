// What a guard is made with, beside the trigger's own words.
import type { SafeFetch } from '../../egress/egress.ts';
import type { Clock } from '../../orchestrator/ports.ts';
import type { Access } from '../access.ts';
import type { CredentialChain } from '../credential-chain.ts';
import type { Environment } from './resolve-secret.ts';
import type { SeenSignatures } from './seen-signatures.ts';

export interface GuardDeps {
  /** As `createAccess` makes it. Where processes share a database, whoever calls a guard awaits `Freshness.ensure()` first. */
  readonly access: Access & CredentialChain;
  readonly environment: Environment;
  /** For JWT keys that a trigger publishes at a URL of its own. */
  readonly fetch: SafeFetch;
  readonly clock: Clock;
  /** One for all guards of a server. */
  readonly seen: SeenSignatures;
  /** Told once, when the route is mounted: what works but is weak. */
  warn(message: string): void;
  /** Whose guard it is, for errors: `ensemble "billing", trigger 1 (ensembles/billing.yaml:4:5)`. */
  readonly trigger: string;
}
