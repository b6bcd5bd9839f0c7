// One Postgres for all test files of a run, started when the first of them asks. Lives in vitest's own process, so it
// is there until the last file is done; files ask over HTTP because each runs in a process of its own.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TestProject } from 'vitest/node';
import { startPostgres, type TestPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers a request with the URL of a new, empty database. */
    postgresStarter: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<TestPostgres> | undefined;
  const starter = createServer((_, response) => {
    starting ??= startPostgres();
    starting
      .then((postgres) => postgres.createDatabase())
      .then(
        (url) => response.end(url),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  starter.listen(0, '127.0.0.1');
  await once(starter, 'listening');
  const address = starter.address();
  if (address === null || typeof address === 'string') throw new Error('The starter has no port.');
  project.provide('postgresStarter', `http://127.0.0.1:${address.port}`);
  return async () => {
    starter.close();
    await (await starting)?.stop();
  };
}
