// A trigger in a few words: how to call it, and whether anybody may.
import type { Ensemble } from '../../model/ensemble.ts';

type Trigger = Ensemble['triggers'][number];

/** "GET /hello (public)", one for each path. */
export function triggerTexts(trigger: Trigger): string[] {
  const who =
    trigger.auth === null ? 'public' : trigger.auth.type === 'configured' ? 'any credential' : trigger.auth.type;
  return trigger.paths.map(({ methods, path }) => `${methods.join('|')} ${path} (${who})`);
}
