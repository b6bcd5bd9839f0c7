// Reads a web Request's body up to a limit. Must never buffer more than the limit, whatever the headers claim.
import { AppError } from '../model/error.ts';

/** The body as bytes. Throws AppError payload_too_large. */
export async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  return declared(request, bytesMax) ? new Uint8Array(await request.arrayBuffer()) : collect(request, bytesMax);
}

export function tooLarge(bytesMax: number): AppError {
  return new AppError(
    'payload_too_large',
    `The body is larger than ${bytesMax} bytes. Send less, or store the data elsewhere and pass a reference.`,
  );
}

/** True when the length is declared and within the limit: the HTTP parser holds the sender to it. */
function declared(request: Request, bytesMax: number): boolean {
  const length = request.headers.get('content-length');
  if (length === null || !/^\d+$/.test(length)) return false;
  if (Number(length) > bytesMax) throw tooLarge(bytesMax);
  // A Request that was built by hand can declare anything; only a missing Transfer-Encoding makes the length binding.
  return !request.headers.has('transfer-encoding');
}

async function collect(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = request.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    total += next.value.byteLength;
    if (total > bytesMax) {
      await reader.cancel();
      throw tooLarge(bytesMax);
    }
    chunks.push(next.value);
  }
  return concatenate(chunks, total);
}

function concatenate(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
