// What the docs agent and `inspect-context` may tell of a project. Must never show a config or a secret: those may spell
// out how the inside works.
import type { Project } from '../ensembles/project.ts';
import type { AgentDefinition } from '../model/agent.ts';
import type { Ensemble } from '../model/ensemble.ts';
import type { Catalog } from '../operations/operation.ts';

export interface CatalogOptions {
  readonly projectName: string;
  readonly projectVersion: string | null;
  /** Asked at every look: a reload replaces them. */
  readonly project: () => Project;
  readonly pages: () => ReturnType<Catalog['pages']>;
  readonly openapi: Catalog['openapi'];
}

export function projectCatalog({ projectName, projectVersion, project, pages, openapi }: CatalogOptions): Catalog {
  return {
    projectName,
    projectVersion,
    agents: () => [...project().agents.values()].map(agentEntry),
    ensembles: () => [...project().ensembles.values()].map(ensembleEntry),
    pages,
    openapi,
  };
}

function agentEntry({ id, operation, description, origin }: AgentDefinition) {
  return { name: id, operation, description, builtIn: origin === 'built-in' };
}

function ensembleEntry({ name, description, definition, triggers, inputs }: Ensemble) {
  return {
    name,
    description,
    steps: definition.tasks.map((task) => task.taskReferenceName),
    triggers: triggers.flatMap(({ type, paths }) =>
      paths.map(({ path, methods }) => `${type} ${methods.join('|')} ${path}`),
    ),
    inputs: inputs.map((input) => ({
      name: input.name,
      type: input.type,
      required: input.required,
      description: input.description,
    })),
  };
}
