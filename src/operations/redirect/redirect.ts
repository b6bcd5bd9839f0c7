// The `redirect` agent: short links. Config `kvBinding, basePath, defaultStatusCode, defaultType, slugLength,
// slugAlphabet, action`; input `action` resolve (default)|create|get|update|delete|list, `slug, url, type, statusCode,
// expiresAt` (epoch ms) or `expiresIn` (seconds), `metadata`; list: `prefix, limit, cursor`.
// Output `{success: true, …}` or `{success: false, error}`: not_found, expired, already_used, slug_taken, invalid_slug,
// invalid_url, invalid_expiry. A private target is invalid_url, unless the agent says `security: { ssrf: false }`.
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import { loose } from '../../model/schema.ts';
import { AgentError, type Operation } from '../operation.ts';
import { readConfig, readInput, text } from '../read-values.ts';
import { orAborted } from '../wait.ts';
import { isSlug, type Link, LinkType, RedirectStatus, randomSlug, targetOf } from './link.ts';
import { Links } from './links.ts';

/** Without what is easily read wrong: 0 O, 1 l I. */
const ALPHABET = '23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ';
const SLUGS_TRIED_MAX = 5;

const Action = z.enum(['resolve', 'create', 'get', 'update', 'delete', 'list']);

const Config = z.strictObject({
  kvBinding: text(),
  basePath: text(),
  defaultStatusCode: loose(RedirectStatus),
  defaultType: loose(LinkType),
  slugLength: loose(z.number().int().min(4).max(64)),
  slugAlphabet: loose(
    z
      .string()
      .regex(/^[A-Za-z0-9]{10,62}$/, 'must be 10 to 62 letters and digits')
      .refine(allDiffer, 'has one twice'),
  ),
  action: loose(Action),
});

const Input = z.object({
  action: loose(Action),
  slug: text(),
  url: text(),
  type: loose(LinkType),
  statusCode: loose(RedirectStatus),
  expiresAt: loose(z.number().int()),
  expiresIn: loose(z.number().positive().max(3_153_600_000)),
  metadata: loose(z.custom<JsonObject>(isJsonObject, 'must be an object')),
  prefix: text(),
  limit: loose(z.number().int().min(1).max(1000)),
  cursor: text(),
});

type Input = z.infer<typeof Input>;

interface Desk {
  readonly links: Links;
  readonly config: z.infer<typeof Config>;
  readonly now: number;
  readonly allowInternal: boolean;
}

export const redirect: Operation = {
  name: 'redirect',
  config: Config,
  run: async (context) => {
    const config = readConfig(Config, context.config);
    const input = readInput(Input, context.input);
    const store = context.services.keyValue.open(config.kvBinding ?? 'REDIRECTS_KV');
    const desk: Desk = {
      links: new Links(store, () => context.clock.now()),
      config,
      now: context.clock.now(),
      allowInternal: !context.agent.ssrf,
    };
    return orAborted(act(desk, config.action ?? input.action ?? 'resolve', input), context.signal);
  },
};

async function act(desk: Desk, action: z.infer<typeof Action>, input: Input): Promise<JsonObject> {
  if (action === 'create') return create(desk, input);
  if (action === 'list') {
    const page = await desk.links.list(input.prefix ?? '', input.limit ?? 100, input.cursor ?? null);
    return { success: true, ...page };
  }
  const { slug } = input;
  if (slug === undefined) throw new AgentError(`"slug" is missing: ${action} needs one.`, false);
  if (action === 'delete') return (await desk.links.delete(slug)) ? { success: true, slug } : refused('not_found');
  if (action === 'update') return update(desk, slug, input);
  const outcome = action === 'get' ? await desk.links.get(slug) : await desk.links.resolve(slug);
  return outcome.ok ? shown(desk, outcome.link) : refused(outcome.error);
}

async function create(desk: Desk, input: Input): Promise<JsonObject> {
  const { config, links, now } = desk;
  const url = targetOf(input.url ?? '', desk.allowInternal);
  if (url === null) return refused('invalid_url');
  if (input.slug !== undefined && !isSlug(input.slug)) return refused('invalid_slug');
  const expiresAt = expiryOf(input, now);
  const type = input.type ?? (expiresAt === null ? config.defaultType : 'expiring') ?? 'permanent';
  if (expiresAt !== null && expiresAt <= now) return refused('invalid_expiry');
  if (type === 'expiring' && expiresAt === null) return refused('invalid_expiry');
  for (let tried = 0; tried < SLUGS_TRIED_MAX; tried += 1) {
    const slug = input.slug ?? randomSlug(config.slugLength ?? 7, config.slugAlphabet ?? ALPHABET);
    const link: Link = {
      slug,
      url,
      type,
      statusCode: input.statusCode ?? config.defaultStatusCode ?? 302,
      createdAt: now,
      expiresAt,
      usedAt: null,
      metadata: input.metadata ?? {},
    };
    if (await links.create(link)) return shown(desk, link);
    if (input.slug !== undefined) return refused('slug_taken');
  }
  throw new AgentError('No free slug was found: make slugLength larger.', false);
}

async function update(desk: Desk, slug: string, input: Input): Promise<JsonObject> {
  const url = input.url === undefined ? undefined : targetOf(input.url, desk.allowInternal);
  if (url === null) return refused('invalid_url');
  const expiresAt = expiryOf(input, desk.now);
  if (expiresAt !== null && expiresAt <= desk.now) return refused('invalid_expiry');
  const { statusCode, metadata } = input;
  const patch: Partial<Link> = {
    ...(url !== undefined && { url }),
    ...(statusCode !== undefined && { statusCode }),
    ...(metadata !== undefined && { metadata }),
    ...(expiresAt !== null && { expiresAt }),
  };
  const outcome = await desk.links.update(slug, patch);
  return outcome.ok ? shown(desk, outcome.link) : refused(outcome.error);
}

function expiryOf({ expiresAt, expiresIn }: Input, now: number): number | null {
  return expiresAt ?? (expiresIn === undefined ? null : now + Math.ceil(expiresIn * 1000));
}

function shown(desk: Desk, link: Link): JsonObject {
  const basePath = (desk.config.basePath ?? '/go').replace(/\/+$/, '');
  return { success: true, ...link, path: `${basePath}/${link.slug}` };
}

function refused(error: string): JsonObject {
  return { success: false, error };
}

function allDiffer(alphabet: string): boolean {
  return new Set(alphabet).size === alphabet.length;
}
