// A project as a Cloudflare Worker. Whatever belongs to no request is made once per isolate: the project when it starts,
// the application at the first request, because before it there is no environment and nothing may be random. Must never
// share anything of one request with another: the platform forbids it, and so do we.
import type { UnkeySettings } from '../../access/policy.ts';
import type { ConfigSource } from '../../config/resolve-config.ts';
import { jsonLog } from '../log.ts';
import type { HandlerModules, WaitUntil } from './edge-agents.ts';
import type { WorkerEnv } from './edge-environment.ts';
import { type EdgeSources, openEdgeProject } from './edge-project.ts';
import { openSite, type Site } from './edge-site.ts';

export interface WorkerOptions extends EdgeSources {
  /** Of this package. */
  readonly version: string;
  /** What the configuration file exports; null: there is none. Checked at the first request, with the environment. */
  readonly config: ConfigSource | null;
  readonly handlers: HandlerModules;
  /** Of the request that is being answered. */
  readonly waitUntil: WaitUntil;
  /** Where the bundle holds `@unkey/api`. */
  readonly loadUnkey?: UnkeySettings['load'];
}

export interface Worker {
  fetch(request: Request, env: WorkerEnv): Promise<Response>;
}

const log = jsonLog((line) => console.log(line.trimEnd()));

/** Throws an Error when the project is not in order. */
export function createWorker(options: WorkerOptions): Worker {
  const project = openEdgeProject(options);
  let site: Site | undefined;
  return {
    async fetch(request, env) {
      try {
        // Two first requests may both build one: neither waits for the other's work.
        site ??= await openSite(options, project, env, log);
      } catch (error) {
        log.error('the Worker is not configured rightly: no request is answered', { error });
        return notInOrder();
      }
      return site(request, request.headers.get('cf-connecting-ip'));
    },
  };
}

/** Why is the operator's business: it is in the log. */
function notInOrder(): Response {
  const message = 'The Worker is not configured rightly. Its log says what is wrong.';
  const body = { success: false, error: 'InternalError', code: 'internal', message, retryable: false };
  return Response.json({ ...body, timestamp: Date.now() }, { status: 500, headers: { 'cache-control': 'no-store' } });
}
