// What the server's thread and jq's thread say to each other.
import type { JqAnswer } from '../../../operations/jq/jq-answer.ts';

export interface JqCommand {
  readonly program: string;
  readonly document: string;
}

/** `ready` once, when the first command can be given; then one answer to each. */
export type JqMessage = { readonly kind: 'ready' } | JqAnswer;

export interface JqThreadData {
  readonly outputBytesMax: number;
}
