import { defineConfig } from 'vitest/config';

/** Parts whose tests leave nothing behind in a process: their files share its modules instead of loading them anew. */
const SHARING = ['access', 'config', 'egress', 'engine', 'ensembles', 'expressions', 'http', 'model', 'operations'];
const shared = [...SHARING, 'triggers', 'vault', 'visitor'].map((part) => `src/${part}/**/*.test.ts`);

/** Generous: a busy machine is no failure. */
const each = { testTimeout: 30_000, hookTimeout: 60_000, pool: 'forks' } as const;

export default defineConfig({
  test: {
    globalSetup: ['./tests/support/compiled-worker.ts', './tests/support/postgres-setup.ts'],
    // Files mostly wait for disks, timers and processes: two at a time also on two cores.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...each,
          name: 'whole',
          include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
          exclude: shared,
        },
      },
      { test: { ...each, name: 'parts', include: shared, isolate: false } },
    ],
  },
});
