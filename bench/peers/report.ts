// What people read: each line with its rate and our ratio to it on either store, beside the aim; and why a commit is durable.
import type { Work } from './contender.ts';
import type { Line } from './field.ts';
import { AT_ONCE } from './post.ts';

const HEADINGS: Readonly<Record<Work, string>> = {
  runs: `three-step runs/s, ${AT_ONCE} open at once`,
  calls: `proxied calls/s, ${AT_ONCE} at once`,
};
const STORES: Readonly<Record<string, string>> = { sqlite: 'on SQLite', postgres: 'on Postgres' };
const TITLE_WIDTH = 46;
/** The whole of it is in the results file. */
const FAILURE_CHARS = 300;

export function report(lines: readonly Line[]): string {
  const works = [...new Set(lines.map(({ work }) => work))];
  return works.map((work) => section(work, lines)).join('\n\n');
}

function section(work: Work, lines: readonly Line[]): string {
  const own = lines.filter((line) => line.work === work);
  const ours = own.filter((line) => line.ours);
  const rows = own.map((line) => `  ${row(line, ours)}`);
  const why = own.flatMap(({ title, durability }) => (durability ? [`  ${title}: ${durability}`] : []));
  return [HEADINGS[work], ...rows, 'commits', ...why].join('\n');
}

function row(line: Line, ours: readonly Line[]): string {
  const title = line.title.padEnd(TITLE_WIDTH);
  if (line.perSecond === null) return `${title}no result: ${line.failure?.slice(0, FAILURE_CHARS)}`;
  const rate = line.perSecond.toLocaleString('en').padStart(8);
  const spread = `(${Math.min(...line.rounds)} to ${Math.max(...line.rounds)})`.padEnd(18);
  const counted = `${line.completed?.toLocaleString('en')} counted`.padEnd(18);
  return `${title}${rate}  ${spread}${counted}${line.ours ? '' : ratios(line, ours)}`.trimEnd();
}

/** Ours to theirs, from the medians of the same rounds. */
function ratios(line: Line, ours: readonly Line[]): string {
  const parts = ours.flatMap(({ name, perSecond }) =>
    perSecond !== null && line.perSecond ? [`${(perSecond / line.perSecond).toFixed(1)}x ${STORES[name]}`] : [],
  );
  const aim = line.aim === null ? 'a reference' : `aim ${line.aim}x`;
  return `we: ${parts.join(', ') || 'no result'} (${aim})`;
}
