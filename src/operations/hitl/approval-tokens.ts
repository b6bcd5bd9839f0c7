// Tokens that let one approver decide on one task, as links in a message do. Derived from the server's secret and stored
// nowhere; whether one has been used is read from the task, which knows who has voted and whether it is over. Must never be
// put into anything that is kept: an execution's history is read by more people than its approvers.
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export const APPROVAL_TOKEN_PREFIX = 'cnd_apr_';

/** Hex digits: 160 bits of the HMAC. */
const SIGNATURE_LENGTH = 40;
const TOKEN = /^cnd_apr_([\da-f]{2,1600})\.([\w-]{1,100})\.([\da-f]{40})$/;

/** Every byte counts: a name that begins with a byte order mark is not the name without it. */
const NAMES = new TextDecoder('utf-8', { ignoreBOM: true });

export interface ApprovalToken {
  readonly taskId: string;
  readonly approver: string;
}

export class ApprovalTokens {
  readonly #secret: Uint8Array;

  /** `secret`: at least 32 bytes. */
  constructor(secret: Uint8Array) {
    if (secret.length < 32) throw new Error('The approval secret must be at least 32 bytes.');
    this.#secret = secret;
  }

  /** Text that may stand in a URL. The same for the same task and approver, whenever it is asked for. */
  issue(taskId: string, approver: string): string {
    const claims = `${APPROVAL_TOKEN_PREFIX}${bytesToHex(utf8ToBytes(approver))}.${taskId}`;
    return `${claims}.${this.#sign(claims)}`;
  }

  /** Whom a token that we signed speaks for; undefined for any other text. */
  read(token: string): ApprovalToken | undefined {
    const [whole, name = '', taskId = '', signature = ''] = TOKEN.exec(token) ?? [];
    if (whole === undefined || name.length % 2 !== 0) return undefined;
    const claims = `${APPROVAL_TOKEN_PREFIX}${name}.${taskId}`;
    // What is compared is signed once more: where two of these differ tells nothing of where the signatures do.
    if (this.#sign(signature) !== this.#sign(this.#sign(claims))) return undefined;
    return { taskId, approver: NAMES.decode(hexToBytes(name)) };
  }

  #sign(text: string): string {
    return bytesToHex(hmac(sha256, this.#secret, utf8ToBytes(text))).slice(0, SIGNATURE_LENGTH);
  }
}
