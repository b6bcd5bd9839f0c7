// The digest that requests are told apart by: 192 bits of SHA-256, base64url. A port, because a runtime may have a
// faster one than plain JavaScript; every implementation must give the same text, or a repetition would charge again.
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { toBase64url } from '../keys/base64url.ts';

export type Digest = (text: string) => string;

const DIGEST_BYTES = 24;

export const digest: Digest = (text) => toBase64url(sha256(utf8ToBytes(text)).subarray(0, DIGEST_BYTES));
