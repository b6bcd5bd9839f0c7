// The Markdown pages of this repository, taken apart into fences, headings and links. Knows nothing of what is tested.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Fence {
  readonly language: string;
  /** What stands behind the language: how the fence is to be taken. */
  readonly mark: string;
  /** The file that its first line names in a comment: `# ensembles/hello.yaml`. */
  readonly file: string | null;
  /** `page.md:12`, to name a test by. */
  readonly at: string;
  readonly text: string;
}

export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly fences: readonly Fence[];
  /** As GitHub makes them from headings. */
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly string[];
}

export function allPages(): Page[] {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'));
  const below = ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  );
  return [...top, ...below].sort().map(readPage);
}

export function readPage(path: string): Page {
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  const fences: Fence[] = [];
  const prose: string[] = [];
  let open: { info: string; at: string; lines: string[] } | null = null;
  for (const [index, line] of lines.entries()) {
    const mark = /^\s*```(.*)$/.exec(line);
    if (mark && open) {
      fences.push(fenceOf(open));
      open = null;
    } else if (mark) open = { info: mark[1]?.trim() ?? '', at: `${path}:${index + 1}`, lines: [] };
    else if (open) open.lines.push(line);
    else prose.push(line);
  }
  if (open) throw new Error(`${open.at}: the fence is never closed`);
  const text = prose.join('\n').replace(/`[^`\n]*`/g, '');
  return {
    path,
    fences,
    anchors: new Set(prose.flatMap((line) => /^#+ (.*)$/.exec(line)?.slice(1) ?? []).map(anchorOf)),
    links: [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => match[1] ?? []),
  };
}

function fenceOf({ info, at, lines }: { info: string; at: string; lines: readonly string[] }): Fence {
  const [language = '', ...marks] = info.split(/\s+/);
  const [, file = null] =
    /^(?:#|\/\/) ((?:ensembles|agents|docs)\/\S+|conductor\.config\.ts)$/.exec(lines[0] ?? '') ?? [];
  return { language, mark: marks.join(' '), file, at, text: lines.join('\n') };
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The cells below every table of a page whose first heading is `heading`, row by row. */
export function readTable(path: string, heading: string): string[][] {
  const rows: string[][] = [];
  let inside = false;
  for (const line of readFileSync(join(root, path), 'utf8').split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll('\\|', '|'))
      : null;
    if (!cells) inside = false;
    else if (cells[0] === heading) inside = true;
    else if (inside && !cells.every((cell) => /^-*$/.test(cell))) rows.push(cells);
  }
  return rows;
}
