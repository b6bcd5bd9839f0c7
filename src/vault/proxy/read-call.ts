// Stage 1: size, framing, address and parameters, before anything is looked up. What passes is one canonical call.
import type { HeaderLookup } from '../../access/access.ts';
import type { ProxyRequest } from '../proxy-api.ts';
import type { Vendor, VendorCall } from '../vendors/vendor.ts';
import { readAddress } from './address.ts';
import { readHeaders } from './header-set.ts';
import { Refusal } from './refusal.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE']);

export interface ReadCall {
  readonly vendor: Vendor;
  readonly call: VendorCall;
  readonly header: HeaderLookup;
}

/** Throws Refusal malformed_request, not_found. */
export function readCall(request: ProxyRequest, vendors: readonly Vendor[], bodyBytesMax: number): ReadCall {
  const { method, body } = request;
  if (!METHODS.has(method)) throw malformed(`the method ${method.slice(0, 20)} is not accepted here`);
  if (body.length > bodyBytesMax) throw malformed(`the body is over ${bodyBytesMax} bytes`);
  const { vendor, path, segments, query, named } = readAddress(vendors, request.target);
  const header = readHeaders(request.rawHeaders, vendor.singleHeader);
  if (named && vendor.needsRoot(header)) {
    throw malformed(
      `this SDK reads no answer below a path: give it the address without /${vendor.name} and what follows`,
    );
  }
  const params = vendor.readParams(method, query, body, header);
  const operation = vendor.operation(method === 'HEAD' ? 'GET' : method, segments);
  return { vendor, header, call: { method, path, segments, operation, params } };
}

function malformed(why: string): Refusal {
  return new Refusal('malformed_request', `malformed_request: ${why}.`);
}
