// Secrets that a definition names instead of holding: `${env.X}`, `$env.X`, `{{env.X}}`. Resolved once, when a route is
// mounted. Must never hand out the reference itself, nor look for references in what the environment holds.
import { AppError } from '../../model/error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\{\s*env\.([A-Za-z_]\w*)\s*\}|\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}|\$env\.([A-Za-z_]\w*)/g;
const LEFTOVER = /\$\{|\{\{|\$env\b/;

/** Throws AppError invalid_definition, naming `where` and the variable that is unset or empty. */
export function resolveSecret(text: string, environment: Environment, where: string): string {
  if (LEFTOVER.test(text.replace(REFERENCE, ''))) {
    throw new AppError(
      'invalid_definition',
      `${where}: the secret must be text or \${env.NAME}; it holds another expression.`,
    );
  }
  const resolved = text.replace(REFERENCE, (_, braced?: string, mustache?: string, bare?: string) => {
    const name = braced ?? mustache ?? bare ?? '';
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && value !== '') return value;
    const told = value === '' ? 'is empty' : 'is not set';
    throw new AppError(
      'invalid_definition',
      `${where}: the environment variable ${name} ${told}. It holds the secret of this trigger.`,
    );
  });
  if (resolved === '') throw new AppError('invalid_definition', `${where}: the secret is empty.`);
  return resolved;
}

/** Whether a text is one reference and nothing else. */
export function isReference(text: string): boolean {
  return text.trim() !== '' && text.trim().replace(REFERENCE, '') === '';
}

/** Whether a text names its secret, wholly or in part, rather than holding it. */
export function hasReference(text: string): boolean {
  return text.replace(REFERENCE, '') !== text;
}
