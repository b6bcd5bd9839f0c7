// A project's files and the built-in definitions, put together: agents found by name, ensembles compiled, problems told
// with their places. Owns what comes before what; a definition with an error is not in the project, and nothing built-in
// takes its place. Pure: reads no file itself.
import type { AgentDefinition } from '../model/agent.ts';
import type { Ensemble } from '../model/ensemble.ts';
import { checkAgent } from './check-agent.ts';
import { compileEnsemble } from './compile-ensemble.ts';
import { hasErrors } from './cursor.ts';
import type { EnsembleSource, StepSource } from './ensemble-schema.ts';
import type { KnownOperation } from './known-operation.ts';
import type { Problem, Project, SourceFile } from './project.ts';
import { placeOf, readProject, type Sources } from './read-project.ts';
import { type AgentTable, checkStepConfig, resolveAgents } from './resolve-agents.ts';
import { findConflicts, yieldPaths } from './trigger-conflicts.ts';

export interface BuiltIns {
  readonly agents: readonly AgentDefinition[];
  readonly ensembles: readonly SourceFile[];
}

export function loadProject(
  files: readonly SourceFile[],
  builtIns: BuiltIns,
  operations: readonly KnownOperation[],
): Project {
  const own = readProject(files);
  const shipped = readProject(builtIns.ensembles);
  const schemas = new Map(operations.map((operation) => [operation.name, operation]));
  const sources = [...own.ensembles.values()].map((source) => overlay(source, shipped));
  const shippedSources = [...shipped.ensembles.values()].filter(
    ({ name }) => !own.ensembles.has(name) && !own.brokenEnsembles.has(name),
  );
  const used = usedAgents([...sources, ...shippedSources]);
  const table = agentTable(own, builtIns, schemas, used);
  const compiled = compileAll(sources, table, schemas, used, 'file');
  for (const source of refuseConflicts(compiled)) compiled.delete(source);
  const builtIn = compileAll(shippedSources, table, schemas, used, 'built-in');
  const ensembles = [
    ...compiled.values(),
    ...[...builtIn.values()].map((ensemble) => yieldPaths(ensemble, compiled.values())),
  ];
  return {
    ensembles: new Map(ensembles.map((ensemble) => [ensemble.name, ensemble])),
    agents: new Map([...table.agents, ...ensembles.flatMap(inlineAgents)]),
    problems: sorted([...own.problems, ...shipped.problems].flat()),
  };
}

/** A file that only changes who may reach a built-in ensemble keeps what that one does. */
function overlay(source: EnsembleSource, shipped: Sources): EnsembleSource {
  const below = shipped.ensembles.get(source.name);
  if (below === undefined || source.steps.length > 0 || source.output !== undefined) return source;
  return {
    ...source,
    steps: below.steps,
    output: below.output,
    agents: below.agents,
    history: below.history,
    inputs: source.inputs.length > 0 ? source.inputs : below.inputs,
  };
}

/** Ids of agents that some step uses. */
function usedAgents(sources: readonly EnsembleSource[]): Set<string> {
  return new Set(
    sources.flatMap(({ name, steps, agents }) => {
      const inline = new Set(agents.map(({ agent }) => agent.name));
      return steps.map(({ agent }) => (inline.has(agent) ? `${name}/${agent}` : agent));
    }),
  );
}

/** The project's own come before the built-in ones; one with an error stands in the way of a built-in one, too. */
function agentTable(
  own: Sources,
  builtIns: BuiltIns,
  schemas: ReadonlyMap<string, KnownOperation>,
  used: ReadonlySet<string>,
): AgentTable {
  const agents = new Map(builtIns.agents.map((agent) => [agent.id, agent]));
  const broken = new Map([...own.brokenAgents].map(([name, cursor]) => [name, placeOf(cursor)]));
  for (const [name, source] of own.agents) {
    checkAgent(source, schemas, used.has(name));
    if (hasErrors(source.cursor.problems)) broken.set(name, placeOf(source.cursor));
    else agents.set(name, source.agent);
  }
  for (const name of broken.keys()) agents.delete(name);
  return { agents, broken };
}

function compileAll(
  sources: readonly EnsembleSource[],
  table: AgentTable,
  schemas: ReadonlyMap<string, KnownOperation>,
  used: ReadonlySet<string>,
  origin: Ensemble['origin'],
): Map<EnsembleSource, Ensemble> {
  const compiled = new Map<EnsembleSource, Ensemble>();
  for (const source of sources) {
    for (const inline of source.agents) checkAgent(inline, schemas, used.has(inline.agent.id));
    const agents: ReadonlyMap<StepSource, AgentDefinition> = resolveAgents(source, table);
    for (const [step, agent] of agents) checkStepConfig(step, agent, schemas.get(agent.operation)?.config);
    const literalOf = (agent: AgentDefinition) => schemas.get(agent.operation)?.literal ?? [];
    const ensemble = compileEnsemble(source, agents, origin, literalOf);
    if (!hasErrors(source.cursor.problems)) compiled.set(source, ensemble);
  }
  return compiled;
}

function refuseConflicts(compiled: ReadonlyMap<EnsembleSource, Ensemble>): EnsembleSource[] {
  const sourceOf = new Map([...compiled].map(([source, ensemble]) => [ensemble, source]));
  return findConflicts(compiled.values()).flatMap(({ ensemble, trigger, other, otherTrigger, method, path }) => {
    const source = sourceOf.get(ensemble);
    const { file, line } = otherTrigger.position;
    const whose = other === ensemble ? 'another trigger of this ensemble' : `the ensemble "${other.name}"`;
    source?.cursor.error(
      `${method} ${path} is answered by ${whose} already (${file}:${line})`,
      'Change the path or the methods of one of them.',
      trigger.position,
    );
    return source === undefined ? [] : [source];
  });
}

function inlineAgents(ensemble: Ensemble): [string, AgentDefinition][] {
  return [...ensemble.agents.values()].map((agent) => [agent.id, agent]);
}

/** By file and place; one fault that two checks found is told once. */
function sorted(problems: readonly Problem[]): Problem[] {
  const once = new Map(problems.map((problem) => [JSON.stringify([problem.position, problem.message]), problem]));
  return [...once.values()].sort(
    (a, b) =>
      compare(a.position.file, b.position.file) ||
      a.position.line - b.position.line ||
      a.position.column - b.position.column,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
