import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DOCS_AGENT, docsOperation } from '../../operations/docs/docs-agent.ts';
import { loadProject } from '../load-project.ts';
import { builtInEnsembles, type DocsSettings } from './built-in-ensembles.ts';
import { DOCS_SERVE } from './docs-serve.ts';

describe('docs-serve', () => {
  it('S30: is public as shipped, because its own YAML says so', () => {
    const document = parse(DOCS_SERVE.text);
    expect(document).toMatchObject({ name: 'docs-serve', trigger: [{ type: 'http', public: true }] });
    expect(document.trigger[0]).not.toHaveProperty('auth');
  });

  it('S17: has the paths that the page prints, and those of pages in folders', () => {
    expect(parse(DOCS_SERVE.text).trigger[0].paths).toEqual([
      { path: '/docs', methods: ['GET'] },
      { path: '/docs/:slug', methods: ['GET'] },
      { path: '/docs/*', methods: ['GET'] },
    ]);
  });

  it('S19: sends what the docs agent rendered as the body itself', () => {
    const { flow, output } = parse(DOCS_SERVE.text);
    expect(flow).toEqual([{ name: 'render', agent: 'docs', config: { basePath: '/docs' } }]);
    expect(output).toEqual({ _raw: '${render.output}' });
  });

  const load = (settings: Partial<DocsSettings> = {}) => {
    const docs = { enabled: true, title: null, auth: { requirement: null }, ...settings };
    return loadProject([], { agents: [DOCS_AGENT], ensembles: builtInEnsembles(docs) }, [docsOperation]);
  };

  it('loads, as any project has it, without a problem', () => {
    const project = load();
    expect(project.problems).toEqual([]);
    expect(project.ensembles.get('docs-serve')).toMatchObject({ origin: 'built-in', triggers: [{ auth: null }] });
  });

  it('S30: asks for a credential when docs.auth.requirement says required', () => {
    const project = load({ auth: { requirement: 'required' } });
    expect(project.problems).toEqual([]);
    const auth = { type: 'configured', requirement: 'required' };
    expect(project.ensembles.get('docs-serve')).toMatchObject({ triggers: [{ auth }] });
  });

  it('has the title that the configuration gives, whatever is in it, and is gone when docs are off', () => {
    const project = load({ title: 'Our "docs": ${input.x} $& {{y}}' });
    expect(project.problems).toEqual([]);
    const [task] = project.ensembles.get('docs-serve')?.definition.tasks ?? [];
    expect(task?.inputParameters.config).toMatchObject({ basePath: '/docs' });
    expect(load({ enabled: false }).ensembles.size).toBe(0);
  });
});
