// Sandboxed JavaScript for definitions. Owns the sandboxes in use and in reserve; a script sees its input and the
// language, nothing of the host. Must never throw, and must never let one script change what the next one sees.
import type { JsonValue } from '../model/json.ts';
import { createSandbox, type Sandbox, SandboxBroken } from './sandbox.ts';
import type { ScriptResult } from './script-result.ts';

export type { ScriptResult } from './script-result.ts';
export { isTruthy } from './truthiness.ts';

export interface ScriptRunner {
  /** Runs `source` as a program with `$` bound to `input`; its completion value, read as JSON, is the result. */
  (source: string, input: JsonValue): ScriptResult;
  /** Null when `source` parses as a program, else `SyntaxError: …`. Runs nothing. */
  checkSyntax(source: string): string | null;
}

/** A sandbox broken by a script is replaced from these at once; making a new one takes a few turns of the event loop. */
const SPARES = 2;

export async function loadScriptRunner(): Promise<ScriptRunner> {
  let current: Sandbox | undefined = await createSandbox();
  const spares: Sandbox[] = await Promise.all(Array.from({ length: SPARES }, () => createSandbox()));

  function replace(): void {
    current = spares.pop();
    createSandbox().then(
      (made) => {
        if (current === undefined) current = made;
        else spares.push(made);
      },
      // Without memory for a spare the ones left go on serving.
      () => undefined,
    );
  }

  function withSandbox<T>(use: (sandbox: Sandbox) => T, broken: (error: string) => T): T {
    if (current === undefined) return broken('InternalError: the script sandbox is restarting, try again');
    try {
      return use(current);
    } catch (error) {
      replace();
      return broken(error instanceof SandboxBroken ? error.message : 'InternalError: the script sandbox failed');
    }
  }

  function run(source: string, input: JsonValue): ScriptResult {
    const failed = (error: string): ScriptResult => ({ ok: false, error });
    const json = inputText(input);
    if (json === null) return failed('InternalError: the input is nested too deeply for a script');
    return withSandbox((sandbox) => sandbox.run(source, json), failed);
  }

  function checkSyntax(source: string): string | null {
    return withSandbox<string | null>(
      (sandbox) => sandbox.checkSyntax(source),
      (error) => error,
    );
  }

  return Object.assign(run, { checkSyntax });
}

function inputText(input: JsonValue): string | null {
  try {
    return JSON.stringify(input);
  } catch {
    return null;
  }
}
