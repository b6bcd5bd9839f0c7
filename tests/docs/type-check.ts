// Type-checks snippets as modules of this package, without writing them anywhere.
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './pages.ts';

/** Messages by snippet; a snippet that is right has none. All are checked as one program: a compiler start costs seconds. */
export function typeErrors(snippets: readonly string[]): string[][] {
  const configured = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  if (!configured) throw new Error('tsconfig.json cannot be read');
  const options: ts.CompilerOptions = {
    ...configured.options,
    noEmit: true,
    // Snippets import the package by its name, and what it does not export as files of the repository's directory do.
    paths: { '@ensemble-edge/conductor': [join(root, 'src/index.ts')] },
    // A snippet may end before it uses what it has shown.
    noUnusedLocals: false,
  };
  const files = new Map(snippets.map((text, n) => [join(root, `snippet-${n}.ts`), `${text}\nexport {};\n`]));
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.getSourceFile = (name, languageOrOptions) => {
    const text = host.readFile(name);
    return text === undefined ? undefined : ts.createSourceFile(name, text, languageOrOptions);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].map((name) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  );
}
