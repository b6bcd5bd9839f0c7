// Environment variables that a project's files speak of and nobody has set. A look at the text alone: where one is asked
// for with a default, it need not be set. Must never print a value of one.
import type { SourceFile } from '../ensembles/project.ts';
import type { SourcePosition } from '../model/agent.ts';
import type { Io } from './host.ts';

export interface NamedVariable {
  readonly name: string;
  readonly position: SourcePosition;
}

const NAMED = /(?:\$\{|\{\{|\$)\s*env\.([A-Za-z_][A-Za-z0-9_]*)(?!\w|\s*(?:\?\?|\|))/g;

/** Every place where one is named; pages show them only. */
export function namedVariables(files: readonly SourceFile[]): readonly NamedVariable[] {
  return files
    .filter(({ path }) => !path.endsWith('.md'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(NAMED)].map(({ 1: name = '', index }) => {
        const before = text.slice(0, index).split('\n');
        return { name, position: { file: path, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 } };
      }),
    );
}

export function isUnset({ env }: Io, { name }: NamedVariable): boolean {
  return !env[name];
}
