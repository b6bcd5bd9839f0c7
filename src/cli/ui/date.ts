// Instants as the key commands print them.

/** "2024-05-15" in UTC, or "never" for null. */
export function dateOrNever(epochMs: number | null): string {
  return epochMs === null ? 'never' : new Date(epochMs).toISOString().slice(0, 10);
}

/** "2024-05-15 09:30:00 UTC". */
export function instant(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
