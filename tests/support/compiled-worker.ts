// Compiles the embedded database's thread once for a run of the tests. From source every thread would first load a
// TypeScript compiler, half a second each time, and the tests open hundreds of stores.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SOURCE = fileURLToPath(new URL('../../src/store/sqlite/', import.meta.url));
/** Under node_modules, so that the driver's packages are found from there. */
const TARGET = fileURLToPath(new URL(`../../node_modules/.cache/conductor-worker-${process.pid}/`, import.meta.url));

export default function setup(): () => void {
  mkdirSync(TARGET, { recursive: true });
  writeFileSync(join(TARGET, 'package.json'), '{"type":"module"}');
  cpSync(join(SOURCE, 'migrations'), join(TARGET, 'migrations'), { recursive: true });
  for (const file of readdirSync(SOURCE)) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(SOURCE, file), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    writeFileSync(join(TARGET, file.replace(/\.ts$/, '.js')), outputText);
  }
  process.env.CONDUCTOR_COMPILED_WORKER = join(TARGET, 'worker.js');
  return () => rmSync(TARGET, { recursive: true, force: true });
}
