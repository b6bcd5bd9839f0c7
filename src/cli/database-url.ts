// Addresses of databases as they may be shown: without a password, and without the parameters that may hold one.
// Must never let a secret through.
import type { DatabaseSettings } from './host.ts';

/** "postgres://user@host:5432/name". Throws TypeError, without the text, for what is no postgres URL. */
export function databaseName(url: string): string {
  const { protocol, username, host, pathname } = parse(url);
  return `${protocol}//${username === '' ? '' : `${username}@`}${host}${pathname}`;
}

/** Takes the passwords of these settings out of a text: whatever a driver puts into its messages. */
export function redactor(settings: DatabaseSettings | undefined): (text: string) => string {
  const urls = [settings?.url, settings?.listenUrl].flatMap((url) => url ?? []);
  const secrets = new Set(urls.flatMap(secretsOf).flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]));
  // The longest first: one may be part of another.
  const ordered = [...secrets].filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
}

function secretsOf(url: string): string[] {
  const { password, searchParams } = parse(url);
  return [password, decoded(password), ...searchParams.getAll('password')];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && /^postgres(ql)?:$/.test(parsed.protocol)) return parsed;
  // The text itself may hold a password: it is not repeated.
  throw new TypeError('A database must be given as postgres://user:password@host:port/name.');
}
