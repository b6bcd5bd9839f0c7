// The agents that ship: each is an operation under its own name, with no config. A project's own agent of the same name
// comes before it. None says `apiExecutable`, so `requireExplicit` keeps them from the API like any other.
import type { AgentDefinition } from '../model/agent.ts';
import { builtIn } from './built-in-agent.ts';
import { DOCS_AGENT } from './docs/docs-agent.ts';
import { HITL_AGENT } from './hitl/hitl-agent.ts';

export const BUILT_IN_AGENTS: readonly AgentDefinition[] = [
  builtIn('http', 'One HTTP request; fails when the answer is no success'),
  builtIn('fetch', 'Gets whatever stands at a URL, and tries again'),
  builtIn('scrape', 'A web page as Markdown, text or HTML'),
  builtIn('redirect', 'Short links: permanent, expiring or for one use'),
  builtIn('rag', 'Indexes documents and finds them again by likeness'),
  builtIn('echo', 'Gives back its input'),
  builtIn('delay', 'Waits, then gives back its input'),
  builtIn('inspect-context', 'Shows what an agent gets to see'),
  DOCS_AGENT,
  HITL_AGENT,
];
