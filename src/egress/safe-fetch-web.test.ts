import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Bypass } from './egress.ts';
import { createWebSafeFetch } from './safe-fetch-web.ts';

type Sent = { url: string; method: string; headers: Headers; body: string };

/** A platform whose `/302?<url>` redirects; it never follows by itself. */
function platform() {
  const sent: Sent[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    const request = new Request(url, init);
    expect(init.redirect).toBe('manual');
    sent.push({ url, method: request.method, headers: request.headers, body: await request.text() });
    const [, status, to] = /\/(30\d)\?(.+)$/.exec(url) ?? [];
    if (status === undefined || to === undefined) return new Response('end');
    return new Response(null, { status: Number(status), headers: { location: decodeURIComponent(to) } });
  };
  return { sent, fetch };
}

describe('safeFetch without sockets', () => {
  it('checks every hop before the platform sees it', async () => {
    const { sent, fetch } = platform();
    const safe = createWebSafeFetch({ fetch });
    for (const to of ['http://169.254.169.254/', '//localhost/', 'http://u:p@b.example.com/', 'ftp://b.example.com/']) {
      const url = `https://a.example.com/302?${encodeURIComponent(to)}`;
      await expect(safe(url), to).rejects.toMatchObject({ code: 'egress_denied' });
    }
    expect(sent.every((each) => each.url.startsWith('https://a.example.com/'))).toBe(true);
  });

  it('carries bodies on and leaves credentials behind', async () => {
    const { sent, fetch } = platform();
    const url = `https://a.example.com/307?${encodeURIComponent('https://b.example.com/end')}`;
    const response = await createWebSafeFetch({ fetch })(
      new Request(url, { method: 'POST', body: 'b', headers: { 'x-api-key': 'k' } }),
    );
    expect([response.url, response.redirected, await response.text()]).toEqual([
      'https://b.example.com/end',
      true,
      'end',
    ]);
    expect(sent.map((each) => [each.method, each.body, each.headers.get('x-api-key')])).toEqual([
      ['POST', 'b', 'k'],
      ['POST', 'b', null],
    ]);
  });

  it('knows the same exceptions', async () => {
    const told: Bypass[] = [];
    const { fetch } = platform();
    const safe = createWebSafeFetch({
      fetch,
      onBypass: (bypass) => told.push(bypass),
      allowOrigins: () => ['http://10.0.0.2'],
    });
    await safe('http://10.0.0.1/', { allowInternalRequests: true });
    await safe('http://10.0.0.2/');
    await expect(safe('http://10.0.0.1/')).rejects.toMatchObject({ code: 'egress_denied' });
    expect(told).toEqual([
      { origin: 'http://10.0.0.1', reason: 'allowInternalRequests' },
      { origin: 'http://10.0.0.2', reason: 'allowOrigins' },
    ]);
    await createWebSafeFetch({ fetch, ssrf: false })('http://10.0.0.1/');
  });

  it('fails as fetch does, and at its limits', async () => {
    const down = createWebSafeFetch({ fetch: () => Promise.reject(new TypeError('offline')) });
    await expect(down('https://a.example.com/')).rejects.toThrow('the request to a.example.com failed: offline');
    const silent = createWebSafeFetch({ fetch: () => new Promise(() => undefined), timeoutMs: 20 });
    await expect(silent('https://a.example.com/')).rejects.toThrow(/within 20 ms/);
    const large = createWebSafeFetch({ fetch: async () => new Response('x'.repeat(20)), responseBytesMax: 10 });
    await expect((await large('https://a.example.com/')).text()).rejects.toThrow(/larger than 10 bytes/);
  });

  it('imports nothing of Node, however far one looks', async () => {
    const seen = new Map<string, string>();
    const queue = [new URL('./safe-fetch-web.ts', import.meta.url).href];
    for (let at = queue.pop(); at !== undefined && seen.size < 100; at = queue.pop()) {
      if (seen.has(at)) continue;
      const source = await readFile(new URL(at), 'utf8');
      seen.set(at, source);
      // A type is gone before anything runs.
      for (const [, found = ''] of source.matchAll(/^(?:import|export)(?! type\b)[^;]*?from '([^']+)'/gm)) {
        if (found.startsWith('.')) queue.push(new URL(found, at).href);
        else expect(found, at).toBe('ipaddr.js');
      }
    }
    expect(seen.size).toBeGreaterThan(6);
  });
});
