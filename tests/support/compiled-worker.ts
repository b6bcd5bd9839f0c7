// Compiles the scripts of our threads once for a run of the tests. From source every thread would first load a TypeScript
// compiler, half a second each time, and the tests open hundreds of stores.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));
/** Under node_modules, so that packages are found from there. */
const TARGET = fileURLToPath(new URL(`../../node_modules/.cache/conductor-worker-${process.pid}/`, import.meta.url));

const DATABASE = 'store/sqlite';
/** What jq's thread loads of ours. */
const JQ = ['runtime/node/jq/jq-script.ts', 'operations/jq/jq-machine.ts', 'operations/jq/jq-answer.ts'];
const FILES = [...filesOf(DATABASE), ...JQ, 'model/cut-text.ts'];

export default function setup(): () => void {
  mkdirSync(TARGET, { recursive: true });
  writeFileSync(join(TARGET, 'package.json'), '{"type":"module"}');
  cpSync(join(SOURCE, DATABASE, 'migrations'), join(TARGET, DATABASE, 'migrations'), { recursive: true });
  for (const file of FILES) compile(file);
  process.env.CONDUCTOR_COMPILED_WORKER = join(TARGET, DATABASE, 'worker.js');
  process.env.CONDUCTOR_COMPILED_JQ = join(TARGET, 'runtime/node/jq/jq-script.js');
  return () => rmSync(TARGET, { recursive: true, force: true });
}

function filesOf(folder: string): string[] {
  const names = readdirSync(join(SOURCE, folder)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return names.map((name) => join(folder, name));
}

function compile(file: string): void {
  const { outputText } = ts.transpileModule(readFileSync(join(SOURCE, file), 'utf8'), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  const target = join(TARGET, file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, outputText);
}
