// The triggers of an ensemble: reading `trigger:` strictly. Mounted types are http and webhook; the others of the language
// are named and refused until a later version runs them.
import type {
  HttpMethod,
  HttpTrigger,
  Trigger,
  TriggerAccess,
  TriggerCache,
  TriggerCors,
  TriggerPath,
  TriggerRateLimit,
} from '../model/trigger.ts';
import { type Cursor, type Fields, hasErrors, type Shape, suggestion } from './cursor.ts';
import { readTriggerAccess } from './trigger-auth-schema.ts';
import { pathFault } from './trigger-path.ts';

const LATER_TYPES = ['mcp', 'email', 'queue', 'cron', 'build', 'cli', 'startup'];
const HTTP_METHODS = [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
] as const satisfies readonly HttpMethod[];

const MOUNTED = [
  'type',
  'path',
  'methods',
  'paths',
  'auth',
  'public',
  'mode',
  'async',
  'timeout',
  'permissions',
  'roles',
];
const HTTP: Shape = {
  what: 'an http trigger',
  keys: [...MOUNTED, 'rateLimit', 'cors', 'cache', 'middleware'],
  later: ['responses', 'templateEngine', 'httpCache', 'priority', 'enabled'],
};
const WEBHOOK: Shape = {
  what: 'a webhook trigger',
  keys: MOUNTED,
  later: ['enabled'],
  elsewhere: Object.fromEntries(
    ['rateLimit', 'cors', 'cache', 'middleware'].map((key) => [key, `\`${key}\` belongs to triggers of type http.`]),
  ),
};

/** Those without an error. */
export function readTriggers(cursor: Cursor, ensemble: string): Trigger[] {
  if (cursor.node.kind === 'map') {
    cursor.error(
      '`trigger` must be a list',
      'Put "- " before the first key: `- type: http`, and indent the others alike.',
    );
    return [];
  }
  return cursor.list().flatMap((item) => readTrigger(item, ensemble) ?? []);
}

function readTrigger(cursor: Cursor, ensemble: string): Trigger | undefined {
  const { node } = cursor;
  const type = node.kind === 'map' ? node.entries.find((entry) => entry.key === 'type')?.value : undefined;
  if (node.kind === 'map' && type === undefined) {
    cursor.error('A trigger needs its type', 'Add `type: http` or `type: webhook`.');
    return undefined;
  }
  const name = type?.kind === 'scalar' ? String(type.value) : '';
  if (type !== undefined && name !== 'http' && name !== 'webhook') {
    if (LATER_TYPES.includes(name))
      cursor.error(
        `Triggers of type ${name} are not supported yet by this version`,
        'Use http or webhook.',
        type.position,
      );
    else
      cursor.error(
        `"${name}" is not a type of trigger: http, webhook`,
        suggestion(name, ['http', 'webhook', ...LATER_TYPES]),
        type.position,
      );
    return undefined;
  }
  const before = cursor.problems.length;
  const fields = cursor.fields(name === 'webhook' ? WEBHOOK : HTTP);
  if (fields === undefined) return undefined;
  const access = readTriggerAccess(cursor, fields);
  const mounted = readMounted(cursor, fields, ensemble, name === 'webhook' ? 'POST' : 'GET');
  const http = readHttp(fields);
  if (access === undefined || hasErrors(cursor.problems.slice(before))) return undefined;
  const common = { ...access, ...mounted, position: cursor.position };
  return name === 'webhook' ? { type: 'webhook', ...common } : { type: 'http', ...common, ...http };
}

type Mounted = Omit<
  HttpTrigger,
  keyof TriggerAccess | 'type' | 'position' | 'rateLimit' | 'cors' | 'cache' | 'middleware'
>;

function readMounted(cursor: Cursor, fields: Fields, ensemble: string, method: HttpMethod): Mounted {
  return {
    paths: readPaths(cursor, fields, ensemble, method),
    mode: fields.get('mode')?.oneOf(['trigger', 'resume']) ?? 'trigger',
    async: fields.get('async')?.flag() ?? false,
    timeoutMs: fields.get('timeout')?.whole(1, 86_400_000, 'milliseconds') ?? null,
  };
}

function readPaths(cursor: Cursor, fields: Fields, ensemble: string, fallback: HttpMethod): TriggerPath[] {
  const [path, paths] = [fields.get('path'), fields.get('paths')];
  const methods = readMethods(fields.get('methods')) ?? [fallback];
  if (path !== undefined && paths !== undefined) {
    path.error(
      '`path` and `paths` are given both',
      'Move `path` into `paths`, as one more `- path: …`.',
      path.keyPosition,
    );
  }
  if (paths === undefined) {
    const read = path === undefined ? `/${ensemble}` : readPath(path);
    return read === undefined ? [] : [{ path: read, methods }];
  }
  const found = paths.list().flatMap((item): TriggerPath[] => {
    if (item.node.kind === 'scalar')
      item.error('Each of `paths` is a mapping', `Write \`- path: ${item.node.value}\`.`);
    const keys =
      item.node.kind === 'scalar' ? undefined : item.fields({ what: 'one of `paths`', keys: ['path', 'methods'] });
    if (keys !== undefined && !keys.has('path')) item.error('One of `paths` has no path', 'Add `path: /…`.');
    const one = keys?.get('path');
    const read = one === undefined ? undefined : readPath(one);
    return read === undefined ? [] : [{ path: read, methods: readMethods(keys?.get('methods')) ?? methods }];
  });
  if (found.length === 0 && paths.node.kind === 'list' && paths.node.items.length === 0)
    cursor.error('`paths` is empty', 'Add `- path: /…`.', paths.position);
  return found;
}

function readPath(cursor: Cursor): string | undefined {
  const path = cursor.text('path: /orders/:id');
  if (path === undefined) return undefined;
  const fault = pathFault(path);
  if (fault === null) return path;
  cursor.error(`The path "${path}" ${fault.message}`, fault.hint);
  return undefined;
}

function readMethods(cursor: Cursor | undefined): HttpMethod[] | undefined {
  if (cursor === undefined) return undefined;
  const read = cursor.list().flatMap((item) => item.oneOf(HTTP_METHODS) ?? []);
  if (cursor.node.kind === 'list' && cursor.node.items.length === 0)
    cursor.error('`methods` is empty', 'Write `methods: [GET]`.');
  return [...new Set(read)];
}

function readHttp(fields: Fields): Pick<HttpTrigger, 'rateLimit' | 'cors' | 'cache' | 'middleware'> {
  return {
    rateLimit: readRateLimit(fields.get('rateLimit')),
    cors: readCors(fields.get('cors')),
    cache: readCache(fields.get('cache')),
    middleware: fields.get('middleware')?.texts('- logger') ?? [],
  };
}

function readRateLimit(cursor: Cursor | undefined): TriggerRateLimit | null {
  const fields = cursor?.fields({ what: 'a rate limit', keys: ['requests', 'window', 'key'] });
  if (cursor === undefined || fields === undefined) return null;
  for (const key of ['requests', 'window']) {
    if (!fields.has(key))
      cursor.error(
        `A rate limit needs \`${key}\``,
        'Write `rateLimit: { requests: 100, window: 60 }`: so many requests in so many seconds.',
      );
  }
  return {
    requests: fields.get('requests')?.whole(1, 1_000_000_000) ?? 1,
    windowSeconds: fields.get('window')?.whole(1, 31_536_000, 'seconds') ?? 60,
    key: fields.get('key')?.oneOf(['ip', 'user']) ?? 'ip',
  };
}

function readCors(cursor: Cursor | undefined): TriggerCors | null {
  const fields = cursor?.fields({
    what: 'cors',
    keys: ['origin', 'methods', 'allowHeaders', 'exposeHeaders', 'credentials'],
    later: ['maxAge'],
  });
  if (cursor === undefined || fields === undefined) return null;
  const origin = fields.get('origin');
  const origins =
    origin === undefined
      ? ['*']
      : origin.node.kind === 'list'
        ? origin.texts('- https://app.example.com')
        : [origin.text('origin: https://app.example.com') ?? ''];
  const credentials = fields.get('credentials')?.flag() ?? false;
  if (credentials && origins.includes('*')) {
    cursor.error(
      '`credentials: true` needs named origins: browsers refuse it with "*"',
      'Name the origins: `origin: [https://app.example.com]`.',
    );
  }
  for (const one of origins) {
    if (one !== '' && one !== '*' && !/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/i.test(one))
      origin?.error(
        `"${one}" is not an origin`,
        'An origin is a scheme and a host, without a path: `https://app.example.com`.',
      );
  }
  return {
    origins,
    methods: readMethods(fields.get('methods')) ?? null,
    allowHeaders: fields.get('allowHeaders')?.texts('- Content-Type') ?? [],
    exposeHeaders: fields.get('exposeHeaders')?.texts('- X-Request-Id') ?? [],
    credentials,
  };
}

function readCache(cursor: Cursor | undefined): TriggerCache | null {
  const fields = cursor?.fields({ what: 'the cache of a trigger', keys: ['enabled', 'ttl', 'vary'], later: ['tags'] });
  if (cursor === undefined || fields === undefined) return null;
  const enabled = fields.get('enabled')?.flag() ?? true;
  const ttlSeconds = fields.get('ttl')?.whole(0, 31_536_000, 'seconds');
  const vary = fields.get('vary')?.texts('- Accept') ?? [];
  if (!enabled) return null;
  if (!fields.has('ttl')) cursor.error('A cache needs `ttl`', 'Write `cache: { ttl: 60 }`, in seconds.');
  return { ttlSeconds: ttlSeconds ?? 0, vary };
}
