// The one shape of a credential: where a secret stands in a request. What the secret is worth is decided elsewhere.
import type { HeaderLookup } from '../access.ts';

export interface Credential {
  readonly name: string;
  /** The secret as sent, or undefined when the request does not carry this credential. Never throws. */
  read(header: HeaderLookup): string | undefined;
}
