// Where each sender of webhooks puts its signature, and what it signs. Owns reading the headers; whether a signature is
// right is decided elsewhere.
import type { SignatureAlgorithm, SignaturePreset } from '../../model/trigger.ts';
import type { HeaderLookup } from '../access.ts';

export interface SignedHeaders {
  /** As the header has it, in whole seconds; null: the scheme signs none. */
  readonly timestamp: string | null;
  /** Hex, lower-case: any of them may be right. */
  readonly signatures: readonly string[];
}

export interface SignatureScheme {
  readonly signatureHeader: string;
  readonly timestampHeader: string | null;
  readonly algorithm: SignatureAlgorithm;
  /** What stands before the body in what is signed. */
  prefix(timestamp: string | null): string;
  /** Null: the request carries no signature. */
  read(header: HeaderLookup): SignedHeaders | null;
}

/** What a trigger may say otherwise; null: as the preset has it. */
export interface SchemeOptions {
  readonly algorithm: SignatureAlgorithm | null;
  readonly signatureHeader: string | null;
  readonly timestampHeader: string | null;
}

/** More are not looked at: nobody rotates so many secrets at once. */
const SIGNATURES_MAX = 8;

const FORMS: Readonly<Record<SignaturePreset, (options: SchemeOptions) => SignatureScheme>> = {
  /** `x-webhook-signature: <hex>`, with or without `sha256=`; signs `<timestamp>.<body>`. */
  default: (options) => {
    const signatureHeader = lower(options.signatureHeader ?? 'x-webhook-signature');
    const timestampHeader = lower(options.timestampHeader ?? 'x-webhook-timestamp');
    const algorithm = options.algorithm ?? 'sha256';
    return {
      signatureHeader,
      timestampHeader,
      algorithm,
      prefix: (timestamp) => `${timestamp}.`,
      read: (header) => {
        const value = header(signatureHeader);
        if (value === undefined) return null;
        return { timestamp: header(timestampHeader)?.trim() ?? '', signatures: [without(`${algorithm}=`, value)] };
      },
    };
  },

  /** `X-Hub-Signature-256: sha256=<hex>`; signs the body alone. */
  github: (options) => {
    const algorithm = options.algorithm ?? 'sha256';
    const usual = algorithm === 'sha1' ? 'x-hub-signature' : 'x-hub-signature-256';
    const signatureHeader = lower(options.signatureHeader ?? usual);
    return {
      signatureHeader,
      timestampHeader: null,
      algorithm,
      prefix: () => '',
      read: (header) => {
        const value = header(signatureHeader);
        return value === undefined ? null : { timestamp: null, signatures: [after(`${algorithm}=`, value)] };
      },
    };
  },

  /** `Stripe-Signature: t=<timestamp>,v1=<hex>,v1=<hex>`; signs `<timestamp>.<body>`. */
  stripe: (options) => {
    const signatureHeader = lower(options.signatureHeader ?? 'stripe-signature');
    return {
      signatureHeader,
      timestampHeader: null,
      algorithm: options.algorithm ?? 'sha256',
      prefix: (timestamp) => `${timestamp}.`,
      read: (header) => {
        const value = header(signatureHeader);
        if (value === undefined) return null;
        const parts = value.split(',').map((part) => part.trim());
        const of = (name: string) =>
          parts.filter((part) => part.startsWith(`${name}=`)).map((part) => part.slice(name.length + 1));
        const times = of('t');
        // Two times: one of them was not there when it was signed.
        return {
          timestamp: times.length === 1 ? (times[0] ?? '') : '',
          signatures: of('v1').map(hex).slice(0, SIGNATURES_MAX),
        };
      },
    };
  },

  /** `X-Slack-Signature: v0=<hex>`, `X-Slack-Request-Timestamp`; signs `v0:<timestamp>:<body>`. */
  slack: (options) => {
    const signatureHeader = lower(options.signatureHeader ?? 'x-slack-signature');
    const timestampHeader = lower(options.timestampHeader ?? 'x-slack-request-timestamp');
    return {
      signatureHeader,
      timestampHeader,
      algorithm: options.algorithm ?? 'sha256',
      prefix: (timestamp) => `v0:${timestamp}:`,
      read: (header) => {
        const value = header(signatureHeader);
        if (value === undefined) return null;
        return { timestamp: header(timestampHeader)?.trim() ?? '', signatures: [after('v0=', value)] };
      },
    };
  },
};

export function signatureScheme(preset: SignaturePreset, options: SchemeOptions): SignatureScheme {
  return FORMS[preset](options);
}

function lower(name: string): string {
  return name.toLowerCase();
}

function hex(text: string): string {
  return text.trim().toLowerCase();
}

function without(prefix: string, value: string): string {
  const text = hex(value);
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

/** One without its prefix is none: nothing is as short. */
function after(prefix: string, value: string): string {
  const text = hex(value);
  return text.startsWith(prefix) ? text.slice(prefix.length) : '';
}
