// The project of a bundle: its ensembles compiled, its plans made, its pages read, all of it when the isolate starts.
// Nothing here may do I/O, set a timer or ask for randomness: the platform forbids that before the first request.

import type { Plan } from '../../engine/plan/plan.ts';
import { loadProject } from '../../ensembles/load-project.ts';
import type { Project, SourceFile } from '../../ensembles/project.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';
import { BUILT_IN_AGENTS } from '../../operations/built-in-agents.ts';
import { pageOfFile } from '../../operations/docs/docs-page.ts';
import type { Catalog } from '../../operations/operation.ts';
import { OPERATIONS } from '../../operations/registry.ts';
import { createPlans } from './edge-executor.ts';
import { failOnErrors } from './fail-on-errors.ts';

export interface EdgeProject {
  readonly project: Project;
  readonly pages: ReturnType<Catalog['pages']>;
  /** Compiled once per definition. Throws AppError invalid_definition. */
  readonly planOf: (definition: WorkflowDefinition) => Plan;
}

export interface EdgeSources {
  /** YAML of ensembles and agents, by path. */
  readonly sources: readonly SourceFile[];
  /** Markdown, `path` from the docs folder on. */
  readonly pages: readonly SourceFile[];
  /** The ensembles that come with the package, as the configuration wants them. */
  readonly builtIns: readonly SourceFile[];
}

/** Throws an Error that names what is wrong with the project; the build has refused that already. */
export function openEdgeProject({ sources, pages, builtIns }: EdgeSources): EdgeProject {
  const project = loadProject(sources, { agents: BUILT_IN_AGENTS, ensembles: builtIns }, OPERATIONS);
  failOnErrors(project.problems);
  const planOf = createPlans();
  for (const { definition } of project.ensembles.values()) planOf(definition);
  return { project, pages: pages.flatMap(({ path, text }) => pageOfFile(path, text) ?? []), planOf };
}
