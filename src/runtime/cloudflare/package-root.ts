// What a project's own code gets at the edge when it imports this package: as much of the package's root as runs there.
export { defineConfig } from '../../config/define-config.ts';
export { isURLSafe, validateURL } from '../../egress/address-rules.ts';
export { AppError } from '../../model/error.ts';
export { AgentError } from '../../operations/operation.ts';
export { safeFetch } from './edge-safe-fetch.ts';
