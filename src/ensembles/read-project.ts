// The files of a project, read: which of their documents are agents and which ensembles, and which names are taken.
// Owns names; what a definition means is read elsewhere. A document's errors never hide another's.
import { type AgentSource, readAgent } from './agent-schema.ts';
import { Cursor, hasErrors } from './cursor.ts';
import { type EnsembleSource, readEnsemble } from './ensemble-schema.ts';
import type { Problem, SourceFile } from './project.ts';
import { readYaml } from './read-yaml.ts';
import { child, type YamlNode } from './yaml-node.ts';

export interface Sources {
  readonly agents: ReadonlyMap<string, AgentSource>;
  readonly ensembles: ReadonlyMap<string, EnsembleSource>;
  /** Names whose definition has an error: nothing else may take their place. */
  readonly brokenAgents: ReadonlyMap<string, Cursor>;
  readonly brokenEnsembles: ReadonlyMap<string, Cursor>;
  /** Each document's, filled further while it is compiled. */
  readonly problems: readonly (readonly Problem[])[];
}

export function readProject(files: readonly SourceFile[]): Sources {
  const agents = new Names<AgentSource>('agent');
  const ensembles = new Names<EnsembleSource>('ensemble');
  const problems: (readonly Problem[])[] = [];
  for (const file of files) {
    const yaml = readYaml(file);
    problems.push(yaml.problems);
    for (const node of yaml.documents) {
      const found: Problem[] = [];
      problems.push(found);
      const cursor = new Cursor(node, '', found);
      if (isAgent(node, file.path)) agents.add(cursor, readAgent(cursor, 'file'));
      else ensembles.add(cursor, readEnsemble(cursor));
    }
  }
  return {
    agents: agents.good,
    brokenAgents: agents.broken,
    ensembles: ensembles.good,
    brokenEnsembles: ensembles.broken,
    problems,
  };
}

/** `agent:` and `ensemble:` say it; `name:` is what the folder holds. */
function isAgent(node: YamlNode, path: string): boolean {
  if (node.kind === 'map' && child(node, 'ensemble') !== undefined) return false;
  if (node.kind === 'map' && child(node, 'agent') !== undefined && child(node, 'name') === undefined) return true;
  return /(^|\/)agents\//.test(path) || /(^|\/)agent\.ya?ml$/.test(path);
}

class Names<T> {
  readonly good = new Map<string, T>();
  readonly broken = new Map<string, Cursor>();
  readonly #first = new Map<string, Cursor>();
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  add(cursor: Cursor, source: T | undefined): void {
    const name = headerName(cursor.node);
    if (name === undefined) return;
    const before = this.#first.get(name);
    if (before !== undefined) {
      // Which of the two was meant cannot be told: neither is used, since one of them may be the more open.
      cursor.error(
        `The ${this.#what} "${name}" is defined twice: in ${placeOf(before)} already`,
        'Rename or remove one of them.',
      );
      before.error(
        `The ${this.#what} "${name}" is defined twice: in ${placeOf(cursor)} again`,
        'Rename or remove one of them.',
      );
      this.good.delete(name);
      this.broken.set(name, before);
      return;
    }
    this.#first.set(name, cursor);
    if (source === undefined || hasErrors(cursor.problems)) this.broken.set(name, cursor);
    else this.good.set(name, source);
  }
}

export function placeOf({ position: { file, line } }: Cursor): string {
  return `${file}:${line}`;
}

function headerName(node: YamlNode): string | undefined {
  if (node.kind !== 'map') return undefined;
  const header = child(node, 'name') ?? child(node, 'ensemble') ?? child(node, 'agent');
  return header?.value.kind === 'scalar' && typeof header.value.value === 'string' ? header.value.value : undefined;
}
