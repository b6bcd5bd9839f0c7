// Loads the project's own TypeScript and JavaScript: its configuration and its handlers. What they import as
// `@ensemble-edge/conductor` is this very process's code, installed or not. Nothing transpiled is written to disk: a
// cache in a shared temporary directory is a place where others could lay code for us.
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, sep } from 'node:path';
import { createJiti } from 'jiti';

export const MODULE_EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.cjs'] as const;
const PACKAGE = '@ensemble-edge/conductor';

/** Why a module of the project did not load, for its author. */
export class ModuleError extends Error {
  /** Relative to the project, with "/". */
  readonly file: string;
  readonly line: number;
  readonly column: number;

  constructor(file: string, line: number, column: number, message: string) {
    super(message);
    this.name = 'ModuleError';
    this.file = file;
    this.line = line;
    this.column = column;
  }
}

/** The module's exports, evaluated once until `forgetModules`. `path` is absolute. Throws ModuleError. */
export async function importModule(directory: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  const jiti = createJiti(join(directory, sep), {
    fsCache: false,
    // The runtime's own loader would keep what it has once read, and knows TypeScript on some versions only.
    tryNative: false,
    virtualModules: { [PACKAGE]: await ownExports() },
  });
  try {
    return await jiti.import<Record<string, unknown>>(path);
  } catch (error) {
    throw failureOf(error, directory, path);
  }
}

/** Everything of the project is read anew when it is next imported; what it installed stays. */
export function forgetModules(directory: string): void {
  const { cache } = createRequire(import.meta.url);
  const roots = [directory, realpathSync(directory)].map((root) => join(root, sep));
  for (const file of Object.keys(cache)) {
    const root = roots.find((prefix) => file.startsWith(prefix));
    if (root && !file.slice(root.length).split(sep).includes('node_modules')) delete cache[file];
  }
}

let own: Promise<unknown> | undefined;

/** By address, not by name: this package need not be installed anywhere, and its root imports this file in turn. */
function ownExports(): Promise<unknown> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  own ??= import(new URL(`../../index.${extension}`, import.meta.url).href);
  return own;
}

function failureOf(error: unknown, directory: string, path: string): ModuleError {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  // "ParseError: <what>\n <file>:<line>:<column>", the column counted from 0.
  const parse = /^ParseError: ([\s\S]*?)\s*\n\s*(.+):(\d+):(\d+)\s*$/.exec(message);
  if (parse) {
    const [, what = '', file = '', line, column] = parse;
    return new ModuleError(inProject(directory, file), Number(line), Number(column) + 1, what);
  }
  const first = message.split('\n')[0] ?? '';
  for (const [, file = '', line, column] of stack.matchAll(/^\s*at (?:.*? \()?(.+?):(\d+):(\d+)\)?$/gm)) {
    const name = inProject(directory, file.replace(/^file:\/\//, ''));
    if (!name.startsWith('..')) return new ModuleError(name, Number(line), Number(column), first);
  }
  return new ModuleError(inProject(directory, path), 1, 1, first);
}

function inProject(directory: string, file: string): string {
  const name = relative(directory, file);
  const real = name.startsWith('..') ? relative(realpathSync(directory), file) : name;
  return real.split(sep).join('/');
}
