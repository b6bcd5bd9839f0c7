// The project that `init` writes: it runs at once, and shows one of everything. Each file is a list of its lines.

/** Path to text. `name` is fit for package.json; `dependency` is what that says of the package which writes it. */
export function starterFiles(name: string, dependency: string): ReadonlyMap<string, string> {
  const files: Readonly<Record<string, readonly string[]>> = {
    'package.json': packageJson(name, dependency),
    'conductor.config.ts': CONFIG.map((line) => line.replace('NAME', name)),
    'ensembles/hello.yaml': HELLO,
    'agents/greet/agent.yaml': GREET,
    'agents/greet/index.ts': GREET_HANDLER,
    'docs/index.md': DOCS,
    '.gitignore': ['node_modules/', 'data/', '.env', ''],
    'README.md': [`# ${name}`, ...README],
  };
  return new Map(Object.entries(files).map(([path, lines]) => [path, lines.join('\n')]));
}

function packageJson(name: string, dependency: string): string[] {
  const content = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: { dev: 'conductor dev', start: 'conductor start', validate: 'conductor validate' },
    dependencies: { '@ensemble-edge/conductor': dependency },
  };
  return [JSON.stringify(content, null, 2), ''];
}

const CONFIG = [
  "import { defineConfig } from '@ensemble-edge/conductor';",
  '',
  'export default defineConfig({',
  "  name: 'NAME',",
  '  auth: {',
  '    // Every route asks for a credential, save those that say "public: true".',
  '    requireAuth: true,',
  '  },',
  '  security: {',
  '    // Running the ensemble "hello" takes the permission "ensemble:hello:execute".',
  '    autoPermissions: true,',
  '  },',
  '});',
  '',
];

const HELLO = [
  'name: hello',
  'description: Greets somebody',
  '',
  'trigger:',
  '  # Anybody may call this one …',
  '  - type: http',
  '    path: /hello',
  '    methods: [GET]',
  '    public: true',
  '  # … and this one only who sends a credential, such as an API key.',
  '  - type: http',
  '    path: /hello/:name',
  '    methods: [GET]',
  '    public: false',
  '',
  'input:',
  '  name: world',
  '',
  'flow:',
  '  - name: greeting',
  '    agent: greet',
  '    input:',
  '      name: ${input.params?.name ?? input.name}',
  '',
  'output:',
  '  message: ${greeting.output.message}',
  '',
];

const GREET = ['name: greet', 'description: Says hello to a name', 'operation: code', 'handler: ./index.ts', ''];

const GREET_HANDLER = [
  "import type { AgentExecutionContext } from '@ensemble-edge/conductor';",
  '',
  'export default async function (context: AgentExecutionContext) {',
  '  return { message: `Hello, ${context.input.name}!` };',
  '}',
  '',
];

const DOCS = ['# Welcome', '', 'This page comes from `docs/index.md`. The server shows it at `/docs`.', ''];

const README = [
  '',
  '```sh',
  'npm install',
  'npx conductor dev          # prints an API key, once',
  '```',
  '',
  'In another terminal:',
  '',
  '```sh',
  'curl "http://127.0.0.1:8080/hello?name=Ada"',
  'curl -H "X-API-Key: <the key>" http://127.0.0.1:8080/hello/Ada',
  '```',
  '',
  '- `ensembles/` what can be run, and what starts it',
  '- `agents/` the steps that ensembles are made of',
  '- `docs/` pages for whoever calls you',
  '- `conductor.config.ts` settings',
  '',
  'Check every file: `npx conductor validate`. Run without a server: `npx conductor exec hello -i \'{"name":"Ada"}\'`.',
  '',
];
