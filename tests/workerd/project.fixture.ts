// For tests of the edge: a project as its author writes it, built by the command line, running in workerd. Requests that
// the Worker makes end in the test: nothing reaches a network.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Miniflare, type MiniflareOptions, Response } from 'miniflare';
import { runCli } from '../../src/cli/cli.fixture.ts';
import { nodeHost } from '../../src/runtime/node/cli-host.ts';
import { COMPATIBILITY_DATE } from '../../src/runtime/node/wrangler-file.ts';
import { YAML } from '../docs/security-page.fixture.ts';

export const VARIABLES = {
  API_KEY: 'a-static-key-of-the-shop',
  JWT_SECRET: 'a-jwt-secret-of-32-characters-ok',
  GREETING: 'Guten Tag',
};

const HANDLER = `import type { AgentExecutionContext } from '@ensemble-edge/conductor'\n`;

export const FILES: Readonly<Record<string, string>> = {
  'conductor.config.ts': `import { defineConfig } from '@ensemble-edge/conductor'
export default defineConfig({ name: 'Edge Shop', auth: { apiKeys: [process.env.API_KEY] } })
`,
  'docs/guide.md': '# The guide\n\nWritten in Markdown.\n',
  'ensembles/public-api.yaml': YAML.publicApi,
  'agents/fetch-user/agent.yaml': 'name: fetch-user\noperation: code\nhandler: ./fetch-user.ts\n',
  'agents/fetch-user/fetch-user.ts': `${HANDLER}
const greeting = process.env.GREETING
export default async function (context: AgentExecutionContext) {
  const { input, location, edge } = context
  context.setState({ id: input.params.id })
  await new Promise((resolve) => setTimeout(resolve, Number(input.query.wait ?? 0)))
  return { id: input.params.id, greeting, country: location?.country, gdpr: location?.isGDPR, colo: edge?.colo }
}
`,
  'ensembles/data.yaml': `name: data
trigger:
  - type: http
    path: /api/data
    auth:
      type: apiKey # Uses API_KEYS KV namespace
flow:
  - agent: echo
    input: { who: fixed }
`,
  'ensembles/limited.yaml': `name: limited
trigger:
  - type: http
    path: /limited
    methods: [GET]
    public: true
    rateLimit: { requests: 1, window: 3600 }
flow:
  - agent: echo
`,
  'ensembles/account.yaml': `name: account
trigger:
  - type: http
    path: /api/account
    methods: [GET]
    auth:
      type: bearer
      secret: \${env.JWT_SECRET}
flow:
  - agent: whoami
`,
  'agents/whoami/agent.yaml': 'name: whoami\noperation: code\nhandler: ./index.ts\n',
  'agents/whoami/index.ts': `${HANDLER}
export default (context: AgentExecutionContext) => ({ user: context.auth.user?.id, method: context.auth.method })
`,
  'ensembles/invoice-pdf.yaml': `name: invoice-pdf
flow:
  - name: load
    agent: load-order
    input: { orderId: '\${input.orderId}' }
  - name: total
    agent: sum
    input: { lines: '\${load.output.lines}' }
output:
  orderId: \${input.orderId}
  total: \${total.output.total}
`,
  'agents/load-order/agent.yaml': 'name: load-order\noperation: code\nhandler: ./load.ts\n',
  'agents/load-order/load.ts': `${HANDLER}
export default async ({ input }: AgentExecutionContext) => ({ lines: [1, 2, String(input.orderId).length] })
`,
  'agents/sum/agent.yaml': 'name: sum\noperation: code\nhandler: ./sum.ts\n',
  'agents/sum/sum.ts': `${HANDLER}
export async function handler({ input }: AgentExecutionContext) {
  return { total: input.lines.reduce((sum: number, line: number) => sum + line, 0) }
}
`,
  'ensembles/release.yaml': `name: release
trigger:
  - type: http
    path: /release
    methods: [POST]
    public: true
flow:
  - agent: count-up
  - name: approve
    agent: hitl
    config: { approvers: [ann] }
`,
  'agents/count-up/agent.yaml': 'name: count-up\noperation: code\nhandler: ./index.ts\n',
  'agents/count-up/index.ts': `${HANDLER}
export default async ({ fetch }: AgentExecutionContext) => (await fetch('https://collector.example.com/counted')).status
`,
  'agents/reach/agent.yaml': 'name: reach\noperation: code\nhandler: ./index.ts\n',
  'agents/reach/index.ts': `import { isURLSafe, safeFetch, type AgentExecutionContext } from '@ensemble-edge/conductor'
export default async ({ fetch, input }: AgentExecutionContext) => {
  const response = input.own ? await safeFetch(input.url) : await fetch(input.url)
  return { status: response.status, text: await response.text(), safe: isURLSafe(input.url) }
}
`,
  'agents/afterwards/agent.yaml': 'name: afterwards\noperation: code\nhandler: ./index.ts\n',
  'agents/afterwards/index.ts': `${HANDLER}
export default async ({ fetch, waitUntil }: AgentExecutionContext) => {
  const work = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    await fetch('https://collector.example.com/afterwards')
  }
  waitUntil(work())
  return 'answered'
}
`,
  'agents/remember/agent.yaml': 'name: remember\noperation: storage\nconfig: { backend: kv, binding: NOTES }\n',
};

export interface Project {
  readonly directory: string;
  build(): ReturnType<typeof runCli>;
  read(path: string): string;
  write(path: string, text: string): void;
  remove(): void;
}

export function writeProject(files: Readonly<Record<string, string>>): Project {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-edge-'));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  return {
    directory,
    build: () => runCli(['build', '--target', 'cloudflare', '--project', directory], nodeHost()),
    read: (path) => readFileSync(join(directory, path), 'utf8'),
    write,
    remove: () => rmSync(directory, { recursive: true }),
  };
}

export interface Edge {
  readonly miniflare: Miniflare;
  /** URLs that the Worker asked for, outside. */
  readonly asked: readonly string[];
  /** Resolves when one is asked for. */
  untilAsked(url: string): Promise<void>;
  /** Into the namespace API_KEYS. */
  putKey(name: string, text: string): Promise<void>;
  close(): Promise<void>;
}

/** Bare: no wrangler, no Node compatibility, and `cf` as each request gives it. */
export function startEdge(script: string, bindings: Readonly<Record<string, string>> = VARIABLES): Edge {
  const asked: string[] = [];
  const waiting = new Map<string, () => void>();
  const options: MiniflareOptions = {
    modules: true,
    script,
    compatibilityDate: COMPATIBILITY_DATE,
    kvNamespaces: ['API_KEYS', 'NOTES'],
    bindings: { ...bindings },
    cf: false,
    handleRuntimeStdio: () => undefined,
    outboundService: ({ url }: { readonly url: string }) => {
      asked.push(url);
      waiting.get(url)?.();
      const location = new URL(url).searchParams.get('to');
      return location ? new Response(null, { status: 302, headers: { location } }) : new Response(`answer of ${url}`);
    },
  };
  const miniflare = new Miniflare(options);
  return {
    miniflare,
    asked,
    untilAsked: (url) =>
      new Promise((resolve) => {
        if (asked.includes(url)) resolve();
        else waiting.set(url, resolve);
      }),
    putKey: async (name, text) => {
      const { API_KEYS } = await miniflare.getBindings<{
        API_KEYS: { put(name: string, text: string): Promise<void> };
      }>();
      await API_KEYS.put(name, text);
    },
    close: () => miniflare.dispose(),
  };
}
