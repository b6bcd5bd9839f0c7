// What a trigger asks of its callers: `public`, `auth`, `permissions`, `roles`. Owns the default-deny rule: a trigger that
// says neither that it is public nor how callers prove who they are does not load. Must never resolve a secret.
import { envNamesOf } from '../expressions/ensemble/env.ts';
import { ExpressionError } from '../expressions/ensemble/expression-error.ts';
import { JWT_ALGORITHMS } from '../model/jwt-algorithms.ts';
import type { CredentialMethod, TriggerAccess, TriggerAuth } from '../model/trigger.ts';
import type { Cursor, Fields, Shape } from './cursor.ts';
import { suggestion } from './cursor.ts';

/** The rule, as users of the reference know it. */
const DEFAULT_DENY = 'All webhook, MCP, email, and HTTP triggers must have auth configuration or explicit public: true';
const DENY_HINT =
  'Add `public: true` to let everybody in, `public: false` to ask for any configured credential, or `auth: { type: apiKey }`.';

const METHODS = [
  'bearer',
  'apiKey',
  'cookie',
  'basic',
  'unkey',
  'custom',
] as const satisfies readonly CredentialMethod[];
const PRESETS = ['default', 'github', 'stripe', 'slack'] as const;
const HASHES = ['sha256', 'sha1', 'sha384', 'sha512'] as const;

const COMMON = ['roles', 'permissions'];
const REQUIREMENT: Shape = { what: 'auth', keys: ['requirement', 'methods', 'customValidator', ...COMMON] };
const KEYS_BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  bearer: ['secret', 'jwksUrl', 'issuer', 'audience', 'algorithms'],
  apiKey: [],
  unkey: [],
  signature: ['secret', 'preset', 'algorithm', 'signatureHeader', 'timestampHeader', 'timestampTolerance'],
  basic: ['secret', 'realm'],
  cookie: [],
  custom: ['validator'],
};

interface ReadAuth {
  /** Null: it says that everybody may come. */
  readonly auth: TriggerAuth | null;
  readonly optional: boolean;
  readonly permissions: readonly string[];
  readonly roles: readonly string[];
}

/** Undefined after an error. */
export function readTriggerAccess(trigger: Cursor, fields: Fields): TriggerAccess | undefined {
  const isPublic = fields.get('public')?.flag();
  const authCursor = fields.get('auth');
  const read = authCursor === undefined ? undefined : readAuth(authCursor);
  const permissions = [
    ...(fields.get('permissions')?.texts('- ensemble:*:execute') ?? []),
    ...(read?.permissions ?? []),
  ];
  const roles = [...(fields.get('roles')?.texts('- admin') ?? []), ...(read?.roles ?? [])];
  if (authCursor !== undefined && read === undefined) return undefined;
  if (fields.has('public') && isPublic === undefined) return undefined;
  if (read === undefined && isPublic === undefined) {
    trigger.error(DEFAULT_DENY, DENY_HINT);
    return undefined;
  }
  const auth = read === undefined ? (isPublic === true ? null : anyCredential()) : read.auth;
  if (read !== undefined && contradiction(fields, isPublic, read)) return undefined;
  if (auth === null && permissions.length + roles.length > 0) {
    trigger.error(
      'A public trigger asks for permissions or roles, which nobody without a credential has',
      'Remove them, or write `public: false`.',
    );
    return undefined;
  }
  return { auth, permissions, roles };
}

function contradiction(fields: Fields, isPublic: boolean | undefined, read: ReadAuth): boolean {
  const at = fields.get('public');
  if (isPublic === true && read.auth !== null && !read.optional) {
    at?.error(
      '`public: true` and `auth` contradict each other: nobody could tell whether a caller needs the credential',
      'Remove `public: true` to ask for the credential, or `auth` to let everybody in.',
      at.keyPosition,
    );
    return true;
  }
  if (isPublic === false && read.auth === null) {
    at?.error('`public: false` and `requirement: public` contradict each other', 'Keep one of them.', at.keyPosition);
    return true;
  }
  return false;
}

function anyCredential(): TriggerAuth {
  return { type: 'configured', requirement: 'required', methods: [], customValidator: null };
}

function readAuth(cursor: Cursor): ReadAuth | undefined {
  if (cursor.node.kind !== 'map') {
    const type = cursor.node.kind === 'scalar' ? String(cursor.node.value) : '';
    cursor.error(
      '`auth` must be a mapping',
      Object.hasOwn(KEYS_BY_TYPE, type) ? `Write \`auth: { type: ${type} }\`.` : 'Write `auth: { type: apiKey }`.',
    );
    return undefined;
  }
  const errorsBefore = cursor.problems.length;
  const typed = cursor.node.entries.find((entry) => entry.key === 'type');
  if (typed === undefined) return readRequirement(cursor, errorsBefore);
  const type = typeof typed.value === 'object' && typed.value.kind === 'scalar' ? String(typed.value.value) : '';
  if (!Object.hasOwn(KEYS_BY_TYPE, type)) {
    cursor.error(
      `"${type}" is not a type of auth: ${Object.keys(KEYS_BY_TYPE).join(', ')}`,
      suggestion(type, Object.keys(KEYS_BY_TYPE)),
      typed.value.position,
    );
    return undefined;
  }
  const fields = cursor.fields({
    what: `auth of type ${type}`,
    keys: ['type', ...(KEYS_BY_TYPE[type] ?? []), ...COMMON],
    aliases: type === 'custom' ? { customValidator: 'validator' } : {},
    elsewhere: {
      requirement: '`requirement` and `methods` say which configured credentials do; `type` says one. Keep one form.',
      methods: '`methods` goes with `requirement`, not with `type`.',
    },
  });
  if (fields === undefined) return undefined;
  const auth = readTyped(cursor, type, fields);
  const access = readCommon(fields);
  return auth === undefined || cursor.problems.slice(errorsBefore).some((p) => p.severity === 'error')
    ? undefined
    : { auth, optional: false, ...access };
}

function readTyped(cursor: Cursor, type: string, fields: Fields): TriggerAuth | undefined {
  if (type === 'apiKey' || type === 'unkey' || type === 'cookie') return { type };
  if (type === 'bearer') {
    return {
      type,
      secret: secret(fields.get('secret')) ?? null,
      jwksUrl: secret(fields.get('jwksUrl')) ?? null,
      issuer: secret(fields.get('issuer')) ?? null,
      audience: secret(fields.get('audience')) ?? null,
      algorithms: (fields.get('algorithms')?.list() ?? []).flatMap((item) => item.oneOf(JWT_ALGORITHMS) ?? []),
    };
  }
  if (type === 'custom') {
    const validator = fields.get('validator')?.text('validator: my-validator');
    if (!fields.has('validator'))
      cursor.error('auth of type custom needs the name of its validator', 'Add `validator: <a registered name>`.');
    return validator === undefined ? undefined : { type, validator };
  }
  const key = secret(fields.get('secret'));
  if (!fields.has('secret'))
    cursor.error(
      `auth of type ${type} needs a secret`,
      `Add \`secret: \${env.${type === 'basic' ? 'BASIC_AUTH' : 'WEBHOOK_SECRET'}}\`.`,
    );
  if (key === undefined) return undefined;
  if (type === 'basic') return { type, secret: key, realm: fields.get('realm')?.text() ?? 'Conductor API' };
  return {
    type: 'signature',
    secret: key,
    preset: fields.get('preset')?.oneOf(PRESETS) ?? 'default',
    algorithm: fields.get('algorithm')?.oneOf(HASHES) ?? null,
    signatureHeader: fields.get('signatureHeader')?.text() ?? null,
    timestampHeader: fields.get('timestampHeader')?.text() ?? null,
    timestampToleranceSeconds: fields.get('timestampTolerance')?.whole(1, 86_400, 'seconds') ?? 300,
  };
}

function readRequirement(cursor: Cursor, errorsBefore: number): ReadAuth | undefined {
  const fields = cursor.fields(REQUIREMENT);
  if (fields === undefined) return undefined;
  if (fields.size === 0) cursor.error('`auth` is empty', 'Write `auth: { type: apiKey }`.');
  const requirement = fields.get('requirement')?.oneOf(['required', 'optional', 'public']) ?? 'required';
  const validator = fields.get('customValidator')?.text('customValidator: my-validator') ?? null;
  const listed = (fields.get('methods')?.list() ?? []).flatMap((item) => item.oneOf(METHODS) ?? []);
  if (fields.has('methods') && listed.length === 0)
    fields
      .get('methods')
      ?.error('`methods` of auth names no method', 'Name at least one, or leave `methods` out for all of them.');
  if (listed.includes('custom') && validator === null)
    fields
      .get('methods')
      ?.error('The method "custom" needs the name of its validator', 'Add `customValidator: <a registered name>`.');
  const access = readCommon(fields);
  if (cursor.problems.slice(errorsBefore).some((p) => p.severity === 'error')) return undefined;
  if (requirement === 'public') return { auth: null, optional: true, ...access };
  return {
    // None listed: whichever the server accepts.
    auth: { type: 'configured', requirement, methods: listed, customValidator: validator },
    optional: requirement === 'optional',
    ...access,
  };
}

function readCommon(fields: Fields): { permissions: string[]; roles: string[] } {
  return {
    permissions: fields.get('permissions')?.texts('- ensemble:*:execute') ?? [],
    roles: fields.get('roles')?.texts('- admin') ?? [],
  };
}

/** A value that may stand in the environment: `${env.NAME}`, `$env.NAME`, plain text. */
function secret(cursor: Cursor | undefined): string | undefined {
  const text = cursor?.text('secret: ${env.MY_SECRET}')?.trim();
  if (cursor === undefined || text === undefined) return undefined;
  try {
    if (envNamesOf(text).length === 0 && cursor.path.endsWith('.secret')) {
      cursor.warning(
        'A secret is written into the file',
        'Put it into the environment, and write `secret: ${env.MY_SECRET}`.',
      );
    }
    return text;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const at = cursor.node.kind === 'scalar' ? cursor.node.at(error.offset) : cursor.position;
    cursor.error(error.message, 'Write `${env.MY_SECRET}`.', at);
    return undefined;
  }
}
