// The static checks, as data and as one function. Every check runs even when another fails, two at a time.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (path) => [process.execPath, `node_modules/${path}`];

const CHECKS = [
  { name: 'build', command: [process.execPath, 'scripts/build.mjs'] },
  { name: 'types', command: [...bin('typescript/bin/tsc'), '--noEmit', '-p', '.'] },
  {
    name: 'style',
    command: [...bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '--max-diagnostics=30'],
  },
  {
    name: 'arrows',
    command: [
      ...bin('dependency-cruiser/bin/dependency-cruise.mjs'),
      ...['--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'src', 'examples', 'bench'],
    ],
  },
  { name: 'unused', command: [...bin('knip/bin/knip.js'), '--no-progress'] },
];

const AT_ONCE = 2;

/** Runs them all, prints one line for each (and its output when it failed). Returns `{ passed, failed }`. */
export async function runChecks() {
  const waiting = [...CHECKS];
  let passed = 0;
  const lane = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) if (await run(check)) passed += 1;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return { passed, failed: CHECKS.length - passed };
}

async function run({ name, command }) {
  const startedAt = performance.now();
  const [program, ...args] = command;
  const { code, output } = await collect(spawn(program, args, { cwd: root, env: { ...process.env, NO_COLOR: '1' } }));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (code !== 0) console.log(output.trimEnd().replace(/^/gm, '     '));
  return code === 0;
}

function collect(child) {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
