// The path that is matched is the path that is forwarded. Decodes once, refuses whatever a vendor might read differently.
// Must never repair a path: a second spelling of an address is an error.
import { Refusal } from './refusal.ts';

const SEGMENT = /^[A-Za-z0-9_.~:@+=,-]+$/;
const PATH_CHARS_MAX = 2048;

export interface Target {
  /** Canonical, with its leading slash and without query. */
  readonly path: string;
  readonly segments: readonly string[];
  /** As sent, without "?"; undefined when there is none. */
  readonly query: string | undefined;
}

/** Throws Refusal malformed_request. */
export function readTarget(target: string): Target {
  const mark = target.indexOf('?');
  const raw = mark < 0 ? target : target.slice(0, mark);
  if (!raw.startsWith('/') || raw.length > PATH_CHARS_MAX) throw malformed('it must begin with "/" and be short');
  const segments = raw.slice(1).split('/').map(readSegment);
  const query = mark < 0 ? undefined : target.slice(mark + 1);
  const path = raw.includes('%') ? `/${segments.join('/')}` : raw;
  return { path, segments, query: query === '' ? undefined : query };
}

function readSegment(raw: string): string {
  let segment = raw;
  if (raw.includes('%')) {
    try {
      segment = decodeURIComponent(raw);
    } catch {
      throw malformed('it holds a broken %-escape');
    }
  }
  if (segment === '.' || segment === '..') throw malformed('it holds a "." or ".." segment');
  if (segment === '') throw malformed('it holds an empty segment ("//" or a trailing "/")');
  if (!SEGMENT.test(segment)) throw malformed('it holds a character that is not accepted in a path');
  return segment;
}

function malformed(why: string): Refusal {
  return new Refusal('malformed_request', `malformed_request: the path is not accepted: ${why}.`);
}
