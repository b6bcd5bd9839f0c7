// Takes secrets of the environment out of the text of a failure: vendors say back what they were sent, and handlers name
// the token that was refused. Works on failures alone, which are for people to read; what an agent returns is its author's
// to decide. Must never be asked on the way of a call that went well.
import type { AgentDefinition } from '../model/agent.ts';
import type { JsonObject } from '../model/json.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Shorter values stand in ordinary words. */
const SECRET_CHARS_MIN = 8;
/** Variables that a handler may have read itself, by what their names say they hold. */
const SECRET_NAME = /SECRET|TOKEN|KEY|PASS|PWD|CREDENTIAL|AUTH|PRIVATE|DSN|DATABASE/i;
/** Variables that a definition names: `env.X`, `env?.X`, `env['X']`. */
const NAMED = /\benv\W{1,4}([A-Za-z_]\w*)/g;

export function hideSecrets(
  text: string,
  agent: AgentDefinition | undefined,
  input: JsonObject,
  env: Environment,
): string {
  const definition = JSON.stringify([agent?.config ?? {}, input.env ?? {}]);
  const named = new Set([...definition.matchAll(NAMED)].map(([, name]) => name));
  const secrets = Object.entries(env)
    .filter(([name]) => named.has(name) || SECRET_NAME.test(name))
    .flatMap(([, value]) => (value === undefined ? [] : [value, inUrl(value)]))
    .filter((value) => value.length >= SECRET_CHARS_MIN)
    // The longest first: one may be the beginning of another.
    .sort((a, b) => b.length - a.length);
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
}

function inUrl(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    // Half a character, of which no URL can be made either.
    return value;
  }
}
