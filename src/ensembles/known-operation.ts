// What of an operation is asked when a project loads.
import type { z } from 'zod';

export interface KnownOperation {
  readonly name: string;
  readonly config: z.ZodType;
  /** Config keys in a language of the operation's own: nothing in them is an expression of ours. */
  readonly literal?: readonly string[];
}
