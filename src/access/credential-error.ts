// A refusal that tells the client's software more than its body does: which scheme to use, or when to come again.
// Must never carry anything of the credential itself.
import { AppError, type ErrorCode } from '../model/error.ts';

export type ReplyHeaders = Readonly<Record<string, string>>;

export class CredentialError extends AppError {
  /** Lower-case names: `www-authenticate`, `retry-after`, `ratelimit-*`. */
  readonly headers: ReplyHeaders;

  constructor(code: ErrorCode, message: string, headers: ReplyHeaders) {
    super(code, message);
    this.headers = headers;
  }
}

/** The challenge of a scheme. A realm is printed as a quoted string, so whatever could end it is left out. */
export function challenge(scheme: 'Bearer' | 'Basic', realm = 'Conductor API'): ReplyHeaders {
  const charset = scheme === 'Basic' ? ', charset="UTF-8"' : '';
  return { 'www-authenticate': `${scheme} realm="${realm.replace(/[^\x20-\x7e]|["\\]/g, '')}"${charset}` };
}
