// Which placeholders of a step are left for the hand-off, and where they stand.
import type { Step } from '../engine/plan/plan.ts';
import { compileSpelling, type Spelling } from '../expressions/spelling.ts';

/** What the definition itself left for the hand-off: in the step's parameters, or in its task definition's template. */
export function literalsOf({ input, fallback }: Step): ReadonlySet<string> {
  if (!fallback || fallback.literals.size === 0) return input.literals;
  return new Set([...input.literals, ...fallback.literals]);
}

const spellings = new WeakMap<Step, Spelling>();

/** Fills a task's input where its step spells a literal, and nowhere else. */
export function spellingOf(step: Step): Spelling {
  const known = spellings.get(step);
  if (known) return known;
  const { inputTemplate } = step.rules;
  const input = compileSpelling({ ...inputTemplate, ...step.task.inputParameters });
  // What the parameters leave empty comes from the template after all.
  const fallback = compileSpelling(inputTemplate);
  const spelling: Spelling = (value, fill) => {
    const filled = input?.(value, fill) ?? value;
    return fallback?.(filled, fill) ?? filled;
  };
  spellings.set(step, spelling);
  return spelling;
}
