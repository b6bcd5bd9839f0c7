import { describe, expect, it } from 'vitest';
import { ORDER_LAST, pageOfFile, readPage, slugOfPath } from './docs-page.ts';

const read = (markdown: string) => readPage({ slug: 'first-steps', title: '', order: ORDER_LAST, markdown });

describe('a page', () => {
  it('says in its front matter what it is called, where it stands and whether it is listed', () => {
    const page = read('---\ntitle: "Start: here"\norder: 2\nhidden: true\nauthor: me\n---\n\n# Body\n');
    expect(page).toEqual({ slug: 'first-steps', title: 'Start: here', order: 2, hidden: true, markdown: '\n# Body\n' });
  });

  it('takes its title from its first heading, else from its name', () => {
    expect(read('text\n# The `one` **thing**\n').title).toBe('The one thing');
    expect(read('text').title).toBe('First steps');
  });

  it.each([
    ['no YAML', '---\n: [\n---\nbody'],
    ['an alias bomb', '---\na: &a [x, x]\nb: [*a, *a, *a]\n---\nbody'],
    ['never closed', '---\ntitle: a\nbody'],
    ['a list', '---\n- a\n---\nbody'],
  ])('keeps a front matter that is %s in its text', (_, markdown) => {
    expect(read(markdown)).toMatchObject({ markdown, title: 'First steps', order: ORDER_LAST });
  });

  it('ignores a field of the wrong type and reads the others', () => {
    expect(read('---\ntitle: [a]\norder: 3\nhidden: "yes"\n---\n')).toMatchObject({
      title: 'First steps',
      order: 3,
      hidden: false,
    });
  });

  it('reads files written on Windows', () => {
    expect(read('\uFEFF---\r\ntitle: A\r\n---\r\nb')).toMatchObject({ title: 'A', markdown: 'b' });
  });

  it.each([
    ['intro.md', 'intro'],
    ['Guides/First Steps.md', 'guides/first-steps'],
    ['index.md', 'index'],
    ['guides/index.md', 'guides'],
    ['README.md', undefined],
  ])('of the file %s has the slug %s', (path, slug) => {
    expect(slugOfPath(path)).toBe(slug);
    expect(pageOfFile(path, '# Hi')?.slug).toBe(slug);
  });
});
