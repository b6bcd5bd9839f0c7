// Keeps secrets out of history: every text of a step that reads the environment is taken apart beside the step's input, so
// that the server fills it in just before the call, and only there. Must never see a value of the environment.
import type { JsonObject } from '../model/json.ts';
import type { CheckedText } from './check-expressions.ts';

/** JSON pointer into the task input => static text, data, static text, … Even parts come from the file alone. */
export function liftEnv(place: 'input' | 'config', texts: readonly CheckedText[]): JsonObject {
  const lifted: JsonObject = {};
  for (const { text, path, expressions } of texts) {
    if (!expressions.some(({ roots }) => roots.has('env'))) continue;
    lifted[pointer([place, ...path])] = parts(text, expressions);
  }
  return lifted;
}

function parts(text: string, expressions: CheckedText['expressions']): string[] {
  const found: string[] = [];
  let from = 0;
  let readsEnv = false;
  for (const { start, end, roots } of expressions) {
    if (roots.has('env')) readsEnv = true;
    // What reads nothing at all is as static as the text around it.
    if (roots.has('env') || roots.size === 0) continue;
    found.push(fixed(text.slice(from, start), readsEnv), text.slice(start, end));
    from = end;
    readsEnv = false;
  }
  return [...found, fixed(text.slice(from), readsEnv)];
}

/** A text is read by the engine and again when it is filled in; one that reads `env` the engine leaves as it is. */
function fixed(text: string, readsEnv: boolean): string {
  return readsEnv ? text : text.replaceAll(/\\(\$\{|\{\{)/g, '\\\\$1');
}

function pointer(path: readonly string[]): string {
  return path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
