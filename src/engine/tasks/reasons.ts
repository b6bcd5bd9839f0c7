// Many reasons in one text that stays short however many there are.

/** What reads and what writes a reason is bounded: thousands of branches may have failed. */
const REASONS_MAX = 10;

export function boundedReasons(reasons: readonly string[], separator: string): string {
  const shown = reasons.slice(0, REASONS_MAX).join(separator);
  const rest = reasons.length - REASONS_MAX;
  return rest > 0 ? `${shown}${separator}and ${rest} more` : shown;
}
