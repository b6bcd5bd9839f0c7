// The project that ensembles are measured with: two steps of the user's own code.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FILES: Readonly<Record<string, string>> = {
  'agents/trim/agent.yaml': 'name: trim\noperation: code\nhandler: ./index.js\n',
  'agents/trim/index.js': 'export default ({ input }) => ({ name: input.name.trim() })\n',
  'agents/greet/agent.yaml': 'name: greet\noperation: code\nhandler: ./index.js\n',
  'agents/greet/index.js': 'export default ({ input }) => ({ hello: input.name })\n',
  'ensembles/hello.yaml': `name: hello
trigger:
  - type: http
    path: /hello
    methods: [POST]
    public: true
flow:
  - name: trimmed
    agent: trim
    input:
      name: \${input.body.name}
  - name: greeting
    agent: greet
    input:
      name: \${trimmed.output.name}
output:
  hello: \${greeting.output.hello}
`,
};

export function writeProject(folder: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
