// Handlers of `code` agents, from the project's files. Owns finding the function in a module; must never load anything
// from outside the project, whatever a path or a link says.
import { realpath } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import type { AgentDefinition } from '../../model/agent.ts';
import { AgentError, type AgentHandler, type OperationServices } from '../../operations/operation.ts';
import { handlerOfModule } from '../handler-of-module.ts';
import { forgetModules, importModule, MODULE_EXTENSIONS, ModuleError } from './project-modules.ts';

export interface HandlerLoader {
  /** Throws AgentError, not to be retried: nothing changes until the file does. */
  readonly handler: OperationServices['handler'];
  /** Files have changed: the next call of each handler reads them anew. Calls under way go on with what they have. */
  forget(): void;
}

export function createHandlerLoader(directory: string): HandlerLoader {
  const root = resolve(directory);
  const loaded = new Map<string, AgentHandler | Promise<AgentHandler>>();
  return {
    handler(agent) {
      const key = agent.handler ?? '';
      const present = loaded.get(key);
      if (present) return present;
      const loading = loadHandler(root, agent);
      loaded.set(key, loading);
      // A failure is not kept: the file may be there at the next call.
      loading.then(
        (handler) => loaded.get(key) === loading && loaded.set(key, handler),
        () => loaded.get(key) === loading && loaded.delete(key),
      );
      return loading;
    },
    forget() {
      loaded.clear();
      forgetModules(root);
    },
  };
}

async function loadHandler(root: string, agent: AgentDefinition): Promise<AgentHandler> {
  const { handler, name } = agent;
  if (handler === null) throw new AgentError(`The agent ${name} has no handler.`, false);
  const path = await locate(root, handler);
  try {
    const found = handlerOfModule(await importModule(root, path));
    if (found) return found;
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    const place = `${error.file}:${error.line}:${error.column}`;
    throw new AgentError(`The handler ${handler} does not load: ${place}: ${error.message}`, false);
  }
  throw new AgentError(`${handler} exports no function: write "export default async function (context) { … }".`, false);
}

async function locate(root: string, handler: string): Promise<string> {
  const path = resolve(root, handler);
  if (!path.startsWith(join(root, sep))) throw outside(handler);
  if (!MODULE_EXTENSIONS.some((extension) => extension === extname(path))) {
    throw new AgentError(`The handler ${handler} must be a file of ${MODULE_EXTENSIONS.join(', ')}.`, false);
  }
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) throw new AgentError(`The handler ${handler} does not exist.`, false);
  if (!real.startsWith(join(await realpath(root), sep))) throw outside(handler);
  return path;
}

function outside(handler: string): AgentError {
  return new AgentError(`The handler ${handler} lies outside the project.`, false);
}
