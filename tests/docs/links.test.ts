// Links in the docs lead somewhere: files exist, headings exist. Addresses on the web are not asked for.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allPages, root } from './pages.ts';

const pages = allPages();
const byPath = new Map(pages.map((page) => [page.path, page]));

describe('links', () => {
  it('are found at all', () => {
    expect(pages.length).toBeGreaterThan(15);
    expect(pages.flatMap((page) => page.links).length).toBeGreaterThan(40);
  });

  it.each(pages.map((page) => [page.path, page] as const))('of %s lead somewhere', (path, page) => {
    for (const link of page.links.filter((candidate) => !/^[a-z]+:/.test(candidate))) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file));
      expect(existsSync(join(root, target)), `${path} links to ${link}`).toBe(true);
      if (anchor) expect([...(byPath.get(target)?.anchors ?? [])], `${path} links to ${link}`).toContain(anchor);
    }
  });
});
