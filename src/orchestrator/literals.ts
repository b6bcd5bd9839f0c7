// Which placeholders of a step are left for the hand-off.
import type { Step } from '../engine/plan/plan.ts';

/** What the definition itself left for the hand-off: in the step's parameters, or in its task definition's template. */
export function literalsOf({ input, fallback }: Step): ReadonlySet<string> {
  if (!fallback || fallback.literals.size === 0) return input.literals;
  return new Set([...input.literals, ...fallback.literals]);
}
