// HMACs by the platform's own cryptography: a body of a megabyte costs a millisecond, not twenty.
import type { SignatureAlgorithm } from '../../model/trigger.ts';

const HASHES = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' } as const;

export type Sign = (...pieces: readonly (string | Uint8Array)[]) => Promise<Uint8Array>;

/** Signs the pieces, one after the other. `secret` must not be empty. */
export function hmacWith(secret: string, algorithm: SignatureAlgorithm): Sign {
  const encoder = new TextEncoder();
  const usage = { name: 'HMAC', hash: HASHES[algorithm] };
  let key: ReturnType<typeof crypto.subtle.importKey> | undefined;
  return async (...pieces) => {
    key ??= crypto.subtle.importKey('raw', encoder.encode(secret), usage, false, ['sign']);
    const signature = await crypto.subtle.sign(
      'HMAC',
      await key,
      joined(pieces.map((piece) => bytesOf(piece, encoder))),
    );
    return new Uint8Array(signature);
  };
}

function bytesOf(piece: string | Uint8Array, encoder: InstanceType<typeof TextEncoder>): Uint8Array {
  return typeof piece === 'string' ? encoder.encode(piece) : piece;
}

function joined(pieces: readonly Uint8Array[]) {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
