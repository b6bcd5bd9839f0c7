// Whether a page is a wall against robots instead of what was asked for. Owns the marks of known walls; goes by what
// they send, so a page that only writes about them is none. Must never try to get past one.
import type { Answer } from '../outbound/send.ts';

interface Wall {
  readonly provider: string;
  readonly stands: (answer: Answer, start: string) => boolean;
}

/** A wall says so near its beginning. */
const LOOKED_AT_LENGTH = 30_000;
/** Walls are small; an article about captchas is not. */
const CAPTCHA_PAGE_LENGTH_MAX = 15_000;
const REFUSING = new Set([401, 403, 405, 429, 503]);

const WALLS: readonly Wall[] = [
  {
    provider: 'cloudflare',
    stands: ({ headers, status }, start) =>
      headers['cf-mitigated'] === 'challenge' ||
      (REFUSING.has(status) && /\/cdn-cgi\/challenge-platform\/|cf-chl-|Attention Required! \| Cloudflare/.test(start)),
  },
  {
    provider: 'datadome',
    stands: ({ headers, status }, start) =>
      REFUSING.has(status) && ('x-datadome' in headers || /captcha-delivery\.com/.test(start)),
  },
  {
    provider: 'perimeterx',
    stands: ({ status }, start) => REFUSING.has(status) && /px-captcha|_pxAppId/.test(start),
  },
  {
    provider: 'akamai',
    stands: ({ headers, status }, start) =>
      REFUSING.has(status) && /akamai/i.test(headers.server ?? '') && /Access Denied/i.test(start),
  },
  {
    provider: 'aws-waf',
    stands: ({ headers }) => headers['x-amzn-waf-action'] === 'challenge' || headers['x-amzn-waf-action'] === 'captcha',
  },
  {
    provider: 'captcha',
    stands: ({ status, text }, start) =>
      (REFUSING.has(status) || text.length <= CAPTCHA_PAGE_LENGTH_MAX) &&
      /<title>[^<]{0,80}(captcha|are you (a )?(human|robot)|just a moment|robot check)/i.test(start),
  },
];

/** Whose wall it is; null for a page. */
export function botChallenge(answer: Answer): string | null {
  const start = answer.text.slice(0, LOOKED_AT_LENGTH);
  return WALLS.find(({ stands }) => stands(answer, start))?.provider ?? null;
}
