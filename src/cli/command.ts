// The one shape of a command, and typed access to what was typed. A command is data until it runs.
import { type CliHost, type Io, UsageError } from './host.ts';
import type { Style } from './ui/style.ts';

export interface CliCommand {
  /** `['keys', 'generate']`. */
  readonly path: readonly string[];
  readonly summary: string;
  /** Positional arguments in commander's notation: `<id>`, `[file]`. */
  readonly args?: readonly (readonly [string, string])[];
  /** Flags in commander's notation: `--expires <when>`. */
  readonly options?: readonly (readonly [string, string])[];
  /** Resolves to the exit code. Errors are thrown. */
  run(context: Context, input: Input): Promise<number>;
}

export interface Context {
  readonly io: Io;
  readonly host: CliHost;
  readonly style: Style;
}

export class Input {
  readonly args: readonly string[];
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(args: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.args = args;
    this.#options = options;
  }

  /** A positional argument that commander has made sure of. */
  arg(index: number): string {
    return this.args[index] ?? '';
  }

  text(name: string): string | undefined {
    const value = this.#options[name];
    return typeof value === 'string' ? value : undefined;
  }

  required(name: string, hint: string): string {
    const value = this.text(name)?.trim();
    if (!value) throw new UsageError(hint);
    return value;
  }

  flag(name: string): boolean {
    return this.#options[name] === true;
  }

  /** Comma-separated values, trimmed, without empty ones. */
  list(name: string): string[] {
    return splitList(this.text(name));
  }
}

export function splitList(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
