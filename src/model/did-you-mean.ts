// Suggests the known name nearest to an unknown one, for strict readers. Must never suggest what is merely of like length.

/** Undefined when none is near: a slip changes up to one letter in three, and no more than three. Case, "-" and "_" do not count. */
export function didYouMean(unknown: string, known: Iterable<string>): string | undefined {
  const meant = plain(unknown);
  let best: string | undefined;
  let bestEdits = Math.max(1, Math.min(3, Math.floor(meant.length / 3))) + 1;
  for (const name of known) {
    const edits = distance(meant, plain(name), bestEdits);
    if (edits < bestEdits) {
      best = name;
      bestEdits = edits;
    }
  }
  return best;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Letters put in, left out, replaced or swapped with their neighbour; `limit` stands for anything that is no less. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? limit) + 1 : limit;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
