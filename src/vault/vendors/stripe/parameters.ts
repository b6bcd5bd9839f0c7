// The parameters of a Stripe v1 call: the body of a POST, the query of everything else, always form-encoded.
// Owns which of the two may be present; must never let one request be read in two ways.
import type { HeaderLookup } from '../../../access/access.ts';
import { type Form, readForm } from '../../proxy/form.ts';
import { Refusal } from '../../proxy/refusal.ts';

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
/** Keeps nothing between two texts, broken ones included; making one costs more than using it. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Throws Refusal malformed_request. */
export function readParameters(
  method: string,
  query: string | undefined,
  body: Uint8Array,
  header: HeaderLookup,
): Form {
  if (method !== 'POST') {
    if (body.length > 0) throw malformed(`a ${method} carries a body; send its parameters in the query`);
    return readForm(query ?? '', 'query');
  }
  if (query !== undefined) throw malformed('a POST carries parameters in its query; send them in the body');
  if (body.length > 0 && !FORM_TYPE.test(header('content-type')?.trim() ?? '')) {
    throw malformed('the body of a v1 call must be application/x-www-form-urlencoded');
  }
  return readForm(textOf(body), 'body');
}

function textOf(body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch {
    throw malformed('the body is not UTF-8');
  }
}

function malformed(why: string): Refusal {
  return new Refusal('malformed_request', `malformed_request: ${why}.`);
}
