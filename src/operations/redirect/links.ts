// Short links in a key-value store. Owns every change of one: each compares with what was read, so two callers never
// both take a slug, nor both use a link that may be used once. Must never write over what it has not seen.
import type { KeyValueStore } from '../operation.ts';
import { Link, type LinkError, stateOf, ttlSecondsOf } from './link.ts';

type Outcome = { readonly ok: true; readonly link: Link } | { readonly ok: false; readonly error: LinkError };

const PREFIX = 'link:';
/** Lost to another caller so often in a row, something else is wrong. */
const ATTEMPTS_MAX = 20;

export class Links {
  readonly #store: KeyValueStore;
  readonly #now: () => number;

  constructor(store: KeyValueStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async create(link: Link): Promise<boolean> {
    return this.#store.replace(PREFIX + link.slug, null, JSON.stringify(link), ttlSecondsOf(link, this.#now()));
  }

  async get(slug: string): Promise<Outcome> {
    const link = read(await this.#store.get(PREFIX + slug));
    return link ? { ok: true, link } : { ok: false, error: 'not_found' };
  }

  /** Where the link leads; uses it up when it may be used once. */
  async resolve(slug: string): Promise<Outcome> {
    return this.#change(slug, (link) => {
      const state = stateOf(link, this.#now());
      if (state !== 'live') return state;
      return link.type === 'single-use' ? { ...link, usedAt: this.#now() } : link;
    });
  }

  async update(slug: string, patch: Partial<Link>): Promise<Outcome> {
    return this.#change(slug, (link) => ({ ...link, ...patch }));
  }

  async delete(slug: string): Promise<boolean> {
    const known = (await this.#store.get(PREFIX + slug)) !== null;
    await this.#store.delete(PREFIX + slug);
    return known;
  }

  async list(
    prefix: string,
    limit: number,
    cursor: string | null,
  ): Promise<{ slugs: string[]; cursor: string | null }> {
    const { keys, cursor: next } = await this.#store.list(PREFIX + prefix, limit, cursor);
    return { slugs: keys.map((key) => key.slice(PREFIX.length)), cursor: next };
  }

  async #change(slug: string, change: (link: Link) => Link | LinkError): Promise<Outcome> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const stored = await this.#store.get(PREFIX + slug);
      const link = read(stored);
      if (!link) return { ok: false, error: 'not_found' };
      const changed = change(link);
      if (typeof changed === 'string') return { ok: false, error: changed };
      if (changed === link) return { ok: true, link };
      const ttlSeconds = ttlSecondsOf(changed, this.#now());
      if (await this.#store.replace(PREFIX + slug, stored, JSON.stringify(changed), ttlSeconds)) {
        return { ok: true, link: changed };
      }
    }
    throw new Error(`The link ${slug} is being changed by too many at once.`);
  }
}

function read(stored: string | null): Link | null {
  if (stored === null) return null;
  try {
    return Link.safeParse(JSON.parse(stored)).data ?? null;
  } catch {
    return null;
  }
}
