// Headers of every reply that a mount of ours gives. API replies are documents for programs: no sniffing, no caching
// of histories, no framing. No CORS: browsers of other origins have no business here.

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};
