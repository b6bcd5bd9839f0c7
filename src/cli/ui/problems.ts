// What is wrong with a project's files, one line each, as editors and terminals turn them into links.
import type { Problem } from '../../ensembles/project.ts';
import type { Style } from './style.ts';

/** "ensembles/a.yaml:3:5: error: … Did you mean …?" */
export function problemText(problem: Problem, style: Style): string {
  const { file, line, column } = problem.position;
  const label = problem.severity === 'error' ? style.bad('error:') : style.warn('warning:');
  return `${file}:${line}:${column}: ${label} ${problemMessage(problem)}\n`;
}

/** What is wrong, and how to mend it. */
export function problemMessage({ hint, message }: Pick<Problem, 'hint' | 'message'>): string {
  if (hint === null) return message;
  return `${message}${/[.!?]$/.test(message) ? '' : '.'} ${hint}`;
}

/** "2 errors, 1 warning", or nothing. */
export function problemCount(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return [counted(errors, 'error'), counted(problems.length - errors, 'warning')]
    .filter((text) => text !== '')
    .join(', ');
}

function counted(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}
