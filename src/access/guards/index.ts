// Guards as those who mount triggers make them.
export { createGuard, type GuardedTrigger } from './create-guard.ts';
export type { GuardDeps } from './guard-deps.ts';
export type { Environment } from './resolve-secret.ts';
export { type SeenSignatures, seenByAll, seenInMemory } from './seen-signatures.ts';
