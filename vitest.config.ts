import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 30_000,
    globalSetup: ['./tests/support/compiled-worker.ts', './tests/support/postgres-setup.ts'],
    pool: 'forks',
    // Files mostly wait for disks, timers and processes: two at a time also on two cores.
    maxWorkers: 2,
  },
});
