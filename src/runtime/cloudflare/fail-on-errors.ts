// A project with errors is not served at all: half of it may be the half that guards the other.
import type { Problem } from '../../ensembles/project.ts';

/** Throws an Error that lists them, each with its place. */
export function failOnErrors(problems: readonly Problem[]): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const lines = errors.map(({ position: { file, line, column }, message }) => `${file}:${line}:${column} ${message}`);
  throw new Error(`The project has errors:\n${lines.join('\n')}`);
}
