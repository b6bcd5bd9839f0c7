// Starts jq's thread, from what was built or from source. Owns what the thread is given: no environment, a bounded heap.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { JqThreadData } from './messages.ts';

/** JavaScript's part; jq's own memory lies outside of it, and is bounded by its build. */
const HEAP_MB_MAX = 256;

/**
 * Built, the script is started as it is. From source, the thread first learns to load TypeScript (`--import tsx` does
 * nothing in a thread), unless a test run has compiled the script beforehand.
 */
export function startJqThread(workerData: JqThreadData): Worker {
  const options: WorkerOptions = {
    workerData,
    execArgv: [],
    env: {},
    name: 'jq',
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  };
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./jq-script.js', import.meta.url), options);
  const compiled = process.env.CONDUCTOR_COMPILED_JQ;
  if (compiled) return new Worker(compiled, options);
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const loader = new URL('./dist/esm/api/index.mjs', tsx);
  const script = new URL('./jq-script.ts', import.meta.url);
  const start = `import('${loader}').then(({ register }) => { register(); return import('${script}'); });`;
  return new Worker(start, { ...options, eval: true });
}

/** Whether it ended because its heap was full. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
