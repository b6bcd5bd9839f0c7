// What is wrong with a configuration: every fault with its place, so that one start names them all.

export interface ConfigFault {
  /** `auth.apiKeys[0]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** "Did you mean `requireAuth`?" */
  readonly hint: string | null;
}

export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];
  /** The file, or null where there is none. */
  readonly file: string | null;

  constructor(faults: readonly ConfigFault[], file: string | null = null) {
    const lines = faults.map((fault) => `${file === null ? '' : `${file}: `}${faultText(fault)}`);
    super(lines.join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
    this.file = file;
  }
}

function faultText({ path, message, hint }: ConfigFault): string {
  return `${path === '' ? '' : `${path} `}${message}${hint === null ? '' : ` ${hint}`}`;
}
