// Files of the data directory that hold a secret: made once, readable by their owner alone. Owns the master key and the
// operator's local key. Must never print what it reads.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { dataDirFault } from './data-dir.ts';
import { hasCode } from './error-code.ts';
import { ConfigurationError } from './server-options.ts';

const MASTER_KEY_BYTES = 32;

/**
 * The 32 bytes under which vendor secrets are sealed and vault keys derived. `given` is base64 (CONDUCTOR_MASTER_KEY).
 * Without one, development makes `<dataDir>/master.key`; production throws ConfigurationError.
 */
export function masterKeyOf(dataDir: string, given: string | undefined, production: boolean): Uint8Array {
  if (given !== undefined && given.trim() !== '') return decodeMasterKey(given, 'CONDUCTOR_MASTER_KEY');
  if (production) {
    throw new ConfigurationError(
      'Production and shared databases need a master key: set CONDUCTOR_MASTER_KEY, or CONDUCTOR_MASTER_KEY_FILE, to 32 random bytes in ' +
        'base64 (for one: openssl rand -base64 32), and keep it: without it the stored vendor secrets cannot be read.',
    );
  }
  const path = masterKeyPath(dataDir);
  return decodeMasterKey(
    readOrMake(dataDir, path, () => randomText(MASTER_KEY_BYTES, 'base64')),
    path,
  );
}

/** Whether development has made a master key here. */
export function hasMasterKey(dataDir: string): boolean {
  return existsSync(masterKeyPath(dataDir));
}

export function masterKeyPath(dataDir: string): string {
  return join(dataDir, 'master.key');
}

/** The operator's own credential: whoever may read this file may do everything. */
export function localKeyOf(dataDir: string): string {
  return readOrMake(dataDir, localKeyPath(dataDir), () => `cnd_local_${randomText(32, 'base64url')}`);
}

/** Null where no server has made one. Throws ConfigurationError when it may not be read. */
export function readLocalKey(dataDir: string): string | null {
  const path = localKeyPath(dataDir);
  return existsSync(path) ? readSecret(dataDir, path) : null;
}

function localKeyPath(dataDir: string): string {
  return join(dataDir, 'local.key');
}

/** Tells two master keys apart and says nothing else of them: a MAC under 256 random bits. */
export function masterKeyCheckOf(masterKey: Uint8Array): string {
  return bytesToHex(hmac(sha256, masterKey, utf8ToBytes('conductor master key check 1')));
}

/** Signs API tokens: derived, so that tokens outlive a restart and need no file of their own. */
export function tokenSecretOf(masterKey: Uint8Array): Uint8Array {
  return hmac(sha256, masterKey, utf8ToBytes('conductor api tokens 1'));
}

/** Signs the links by which people approve. */
export function approvalSecretOf(masterKey: Uint8Array): Uint8Array {
  return hmac(sha256, masterKey, utf8ToBytes('conductor approval links 1'));
}

function decodeMasterKey(text: string, where: string): Uint8Array {
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.byteLength !== MASTER_KEY_BYTES) {
    throw new ConfigurationError(`${where} must hold 32 bytes in base64; it holds ${bytes.byteLength}.`);
  }
  return new Uint8Array(bytes);
}

function readOrMake(dataDir: string, path: string, make: () => string): string {
  try {
    writeFileSync(path, `${make()}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw dataDirFault(dataDir, path, error);
  }
  return readSecret(dataDir, path);
}

function readSecret(dataDir: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw dataDirFault(dataDir, path, error);
  }
}

function randomText(bytes: number, encoding: 'base64' | 'base64url'): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString(encoding);
}
