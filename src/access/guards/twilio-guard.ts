// Webhooks of Twilio: `X-Twilio-Signature`, over the URL as Twilio called it and the form fields in order of their names.
// It signs no time, so how often a request may come is not for this to say.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Principal } from '../access.ts';
import { sameBytes, sameText } from '../compare-secrets.ts';
import { CredentialError } from '../credential-error.ts';
import type { Guard, GuardedRequest } from '../guard.ts';
import { hmacWith, type Sign } from './hmac.ts';

const SIGNATURE_BYTES = 20;

/** `authToken` is resolved. */
export function twilioGuard(authToken: string, trigger: string): Guard {
  const sign = hmacWith(authToken, 'sha1');
  const principal: Principal = { id: 'signature:twilio', name: trigger, permissions: [], method: 'signature' };
  return async (request) => {
    const header = request.header('x-twilio-signature');
    if (header === undefined) {
      throw new CredentialError('unauthenticated', 'A signature is required: send X-Twilio-Signature.', {});
    }
    if (await isSigned(request, decoded(header), sign)) return principal;
    throw new CredentialError('invalid_credential', 'The signature is not right for this request.', {});
  };
}

async function isSigned(request: GuardedRequest, signature: Uint8Array, sign: Sign): Promise<boolean> {
  const body = await request.bytes();
  const bodyHash = new URLSearchParams(request.target.split('?')[1] ?? '').get('bodySHA256');
  if (bodyHash !== null && !sameText(bodyHash.toLowerCase(), bytesToHex(sha256(body)))) return false;
  const form = request.header('content-type')?.startsWith('application/x-www-form-urlencoded') ?? false;
  // A body that neither the fields nor the hash account for is signed by nobody.
  if (bodyHash === null && !form && body.length > 0) return false;
  const fields = form ? sortedFields(new TextDecoder().decode(body)) : '';
  let right = false;
  for (const url of urls(request)) {
    if (sameBytes(await sign(url + fields), signature)) right = true;
  }
  return right;
}

/** Name and value of each field, by name; a value that is there twice counts once, as in Twilio's own libraries. */
function sortedFields(form: string): string {
  const fields = new URLSearchParams(form);
  const names = [...new Set(fields.keys())].sort();
  return names
    .map((name) =>
      [...new Set(fields.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('');
}

/** The URL as Twilio may have called it: proxies end the encryption, and a usual port is named or not. */
function urls({ header, target }: GuardedRequest): string[] {
  const host = header('x-forwarded-host') ?? header('host') ?? '';
  const bare = host.replace(/:(80|443)$/, '');
  const given = ['https', 'http'].flatMap((scheme) => [
    `${scheme}://${bare}${target}`,
    `${scheme}://${bare}:${scheme === 'https' ? 443 : 80}${target}`,
  ]);
  return [...new Set([...given, `https://${host}${target}`])];
}

function decoded(base64: string): Uint8Array {
  try {
    const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
    return bytes.length === SIGNATURE_BYTES ? bytes : new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}
