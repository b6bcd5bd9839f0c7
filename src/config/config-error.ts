// What is wrong with a configuration: every fault with its place, so that one start names them all.
import type { SourcePosition } from '../model/agent.ts';

export interface ConfigFault {
  /** `auth.apiKeys[0]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** "Did you mean `auth.requireAuth`?" */
  readonly hint: string | null;
  /** Where it is known: of what cannot be read as code or as JSON. */
  readonly position?: SourcePosition;
}

export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];
  /** The file, or null where there is none. */
  readonly file: string | null;

  constructor(faults: readonly ConfigFault[], file: string | null = null) {
    const lines = faults.map((fault) => `${placeText(fault, file)}${faultText(fault)}`);
    super(lines.join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
    this.file = file;
  }
}

function placeText({ position }: ConfigFault, file: string | null): string {
  if (position) return `${position.file}:${position.line}:${position.column}: `;
  return file === null ? '' : `${file}: `;
}

function faultText({ path, message, hint }: ConfigFault): string {
  return `${path === '' ? '' : `${path} `}${message}${hint === null ? '' : ` ${hint}`}`;
}
