// Reasons that stay short: one that is long, and many in one text.
import { cutText } from '../../model/cut-text.ts';

/** As long as Conductor keeps one. */
const REASON_CHARS_MAX = 500;
/** What reads and what writes a reason is bounded: thousands of branches may have failed. */
const REASONS_MAX = 10;

export function boundedReasons(reasons: readonly string[], separator: string): string {
  const shown = reasons.slice(0, REASONS_MAX).join(separator);
  const rest = reasons.length - REASONS_MAX;
  return rest > 0 ? `${shown}${separator}and ${rest} more` : shown;
}

export function keptReason(reason: string | null): string | null {
  return reason === null ? null : cutText(reason, REASON_CHARS_MAX);
}
