// What comes of a jq program, as plain values that can cross to another thread, and who runs one. Owns how jq's own
// messages read as reasons. Must never hold a path or a trace of ours.
import { shortenText } from '../../model/cut-text.ts';

export type JqAnswer =
  /** `text` is the JSON text of the task's output. */
  | { readonly kind: 'results'; readonly text: string }
  /** The program is wrong, or wrong for this document. */
  | { readonly kind: 'error'; readonly message: string }
  /** It went over a limit, and would again. */
  | { readonly kind: 'limit'; readonly message: string }
  /** Nothing is known of the program: it was not run, or not to its end. */
  | { readonly kind: 'unavailable'; readonly message: string };

export interface JqRequest {
  readonly program: string;
  /** JSON. */
  readonly document: string;
  /** Asked when its turn comes: what nobody waits for any more is not run. */
  readonly isWanted: () => boolean;
}

export interface JqRunner {
  /** Never rejects. */
  run(request: JqRequest): Promise<JqAnswer>;
}

export const OUT_OF_MEMORY: JqAnswer = {
  kind: 'limit',
  message:
    'The jq program ran out of memory, or it or its data is nested too deeply: it has 256 MB and some hundred levels.',
};

const MESSAGE_LENGTH_MAX = 1_000;

/** jq's words from the first of its errors on, without what says nothing to who wrote the program. */
export function readJqError(stderr: string, exitCode: number): JqAnswer {
  const from = stderr.search(/^jq: (parse )?error/m);
  const message = stderr
    .slice(Math.max(from, 0))
    .replace(/^jq: (?:parse )?error(?: \(at [^)]*\))?(?: \(not a string\))?: /, '')
    .replace(/\njq: \d+ compile errors?$/, '')
    .trim();
  return { kind: 'error', message: shortenText(message, MESSAGE_LENGTH_MAX) || `jq ended with status ${exitCode}.` };
}

/** One value per line, as `jq -c` prints them; the texts go on as they are, so that no number loses a digit. */
export function readJqResults(stdout: string, outputBytesMax: number): JqAnswer {
  const [first] = stdout.split('\n', 1);
  // Line ends inside of texts are escaped.
  const text = `{"result":${first || 'null'},"resultList":[${stdout.replaceAll('\n', ',')}]}`;
  // The first result stands in it twice.
  if (text.length > outputBytesMax) return tooMuchOutput(outputBytesMax);
  try {
    JSON.parse(text);
    return { kind: 'results', text };
  } catch {
    return { kind: 'error', message: 'The results of the jq program are not JSON.' };
  }
}

export function tooMuchOutput(bytesMax: number): JqAnswer {
  return { kind: 'limit', message: `The output of the jq program has more than ${bytesMax} bytes.` };
}
