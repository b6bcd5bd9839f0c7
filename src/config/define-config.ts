// For typing in conductor.config.ts: `export default defineConfig({ … })`.
import type { ConductorConfig } from './config-schema.ts';

/** Returns what it is given; the keys are checked by the compiler, and again when the file is loaded. */
export function defineConfig(config: ConductorConfig): ConductorConfig {
  return config;
}
