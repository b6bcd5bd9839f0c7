// Cross-origin rules of one trigger: its preflights and its replies. Nothing is open unless its YAML lists it, and
// credentials are never allowed to just anybody. Must never reflect an origin that is not listed.
import {
  type Around,
  EMPTY,
  type HttpRequest,
  NO_CONTENT,
  type Reply,
  type Route,
  withHeaders,
} from '../http/route.ts';
import type { HttpMethod, TriggerCors } from '../model/trigger.ts';
import { vary } from './reply-headers.ts';

export interface CorsPath {
  readonly path: string;
  /** The path without the names of its parameters. */
  readonly shape: string;
  readonly methods: readonly HttpMethod[];
  readonly cors: TriggerCors;
}

/** What pages nearly always send, where the trigger lists nothing. */
const ALLOW_HEADERS = ['Content-Type', 'Authorization', 'X-API-Key', 'X-Request-ID'];
const PREFLIGHT_SECONDS = 600;
const PREFLIGHT_VARY = ['Origin', 'Access-Control-Request-Method', 'Access-Control-Request-Headers'];

/** Adds the headers to every reply, refusals included: a page must be able to read why. */
export function aroundCors(cors: TriggerCors): Around {
  return async ({ header }, next) => {
    const reply = await next();
    const allowed = originHeaders(cors, header('origin'));
    const headers =
      allowed && cors.exposeHeaders.length > 0
        ? { ...allowed, 'access-control-expose-headers': cors.exposeHeaders.join(', ') }
        : allowed;
    const varied = cors.origins.includes('*') ? reply : vary(reply, ['Origin']);
    return headers ? withHeaders(varied, headers) : varied;
  };
}

/** One OPTIONS route per path, for all triggers on it; none where a trigger answers OPTIONS itself. */
export function preflightRoutes(paths: readonly CorsPath[], taken: (shape: string) => boolean): Route[] {
  const shapes = new Map<string, CorsPath[]>();
  for (const path of paths) shapes.set(path.shape, [...(shapes.get(path.shape) ?? []), path]);
  return [...shapes].flatMap(([shape, group]) => {
    const [first] = group;
    if (!first || taken(shape)) return [];
    return [
      {
        method: 'OPTIONS' as const,
        path: first.path,
        requires: 'public' as const,
        dialect: 'ensemble' as const,
        summary: 'Answers the preflight of a page of another origin',
        handle: (request: HttpRequest) => preflight(group, request),
      },
    ];
  });
}

function preflight(group: readonly CorsPath[], { header }: HttpRequest): Reply {
  const wanted = header('access-control-request-method')?.toUpperCase();
  const methods = [...new Set(group.flatMap((one) => one.methods))];
  if (wanted === undefined) return withHeaders(EMPTY, { allow: [...methods, 'OPTIONS'].sort().join(', ') });
  const reply = vary(NO_CONTENT, PREFLIGHT_VARY);
  const asked = group.find((one) => allowedMethods(one).some((method) => method === wanted));
  const allowed = asked && originHeaders(asked.cors, header('origin'));
  if (!asked || !allowed) return reply;
  return withHeaders(reply, {
    ...allowed,
    'access-control-allow-methods': allowedMethods(asked).join(', '),
    'access-control-allow-headers': (asked.cors.allowHeaders.length > 0 ? asked.cors.allowHeaders : ALLOW_HEADERS).join(
      ', ',
    ),
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  });
}

/** What the trigger answers, and of that what its `cors` leaves. */
function allowedMethods({ cors, methods }: CorsPath): readonly string[] {
  const listed = cors.methods?.map((method) => method.toUpperCase());
  return listed ? methods.filter((method) => listed.includes(method)) : methods;
}

/** Null: the origin is not allowed, and is told nothing. */
function originHeaders(
  { credentials, origins }: TriggerCors,
  origin: string | undefined,
): Record<string, string> | null {
  if (origins.includes('*')) return { 'access-control-allow-origin': '*' };
  if (origin === undefined || !origins.includes(origin)) return null;
  return {
    'access-control-allow-origin': origin,
    ...(credentials ? { 'access-control-allow-credentials': 'true' } : {}),
  };
}
