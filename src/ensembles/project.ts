// A project in memory: every ensemble and agent, found by name. Replaced as a whole when files change.
// CONTRACT FILE: shapes stay; `load-project.ts` makes one.
import type { AgentDefinition, SourcePosition } from '../model/agent.ts';
import type { Ensemble } from '../model/ensemble.ts';

/** A text file of a project: `ensembles/a.yaml`, `agents/x/agent.yaml`; `path` is relative, with "/". */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Something wrong with a file, and how to mend it. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly position: SourcePosition;
  readonly message: string;
  /** "Did you mean `flow`?" */
  readonly hint: string | null;
}

export interface Project {
  readonly ensembles: ReadonlyMap<string, Ensemble>;
  /** By id: plain names, and `<ensemble>/<name>`. The project's own come before the built-in ones of the same name. */
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly problems: readonly Problem[];
}
