// Lists and details of agents and ensembles. Tells a reader without a credential only of what ships with the product,
// and answers for a name that it may not tell of exactly as for one that is not there.
import type { Catalog } from '../operation.ts';
import { curlCommand } from './curl.ts';
import type { PageParts } from './layout.ts';
import { html, type Markup } from './markup.ts';
import type { Site } from './site.ts';

type Agent = ReturnType<Catalog['agents']>[number];
type Ensemble = ReturnType<Catalog['ensembles']>[number];

export function renderAgents(site: Site): PageParts {
  const agents = visibleAgents(site);
  const group = (title: string, list: readonly Agent[]) =>
    list.length > 0 &&
    html`<h2>${title}</h2><ul class="cards">${list.map(
      ({ name, operation, description }) =>
        html`<li><a href="${site.link(`agents/${name}`)}"><b>${name}</b> <span class="tag">${operation}</span> <span>${description}</span></a></li>`,
    )}</ul>`;
  const body = html`<h1>Agents</h1>
<p class="lead">Named pieces of work that ensembles are made of.</p>
${hiddenNote(site)}
${group(
  'Of this project',
  agents.filter(({ builtIn }) => !builtIn),
)}
${group(
  'Built in',
  agents.filter(({ builtIn }) => builtIn),
)}`;
  return { slug: 'agents', title: 'Agents', body };
}

export function renderAgent(site: Site, name: string): PageParts | undefined {
  const agent = visibleAgents(site).find((one) => one.name === name);
  if (!agent) return undefined;
  const body = html`<h1>${agent.name}</h1>
${agent.description && html`<p class="lead">${agent.description}</p>`}
<p><span class="tag">${agent.operation}</span> <span class="tag">${agent.builtIn ? 'built in' : 'project'}</span></p>
<h2>In an ensemble</h2>
<pre tabindex="0"><code>flow:
  - agent: ${agent.name}
</code></pre>
<h2>On its own</h2>
${runExample(`/api/v1/execute/agent/${encodeURIComponent(agent.name)}`)}`;
  return { slug: `agents/${name}`, title: agent.name, body };
}

export function renderEnsembles(site: Site): PageParts {
  const list = visibleEnsembles(site);
  const body = html`<h1>Ensembles</h1>
<p class="lead">Flows of agents, started by a request or through the API.</p>
${hiddenNote(site)}
${
  list.length > 0 &&
  html`<ul class="cards">${list.map(
    ({ name, description, steps }) =>
      html`<li><a href="${site.link(`ensembles/${name}`)}"><b>${name}</b> <span>${description ?? steps.join(' → ')}</span></a></li>`,
  )}</ul>`
}
${site.showsProject && list.length === 0 && html`<p>There are none yet.</p>`}`;
  return { slug: 'ensembles', title: 'Ensembles', body };
}

export function renderEnsemble(site: Site, name: string): PageParts | undefined {
  const ensemble = visibleEnsembles(site).find((one) => one.name === name);
  if (!ensemble) return undefined;
  const { steps, triggers } = ensemble;
  const body = html`<h1>${ensemble.name}</h1>
${ensemble.description && html`<p class="lead">${ensemble.description}</p>`}
${triggers.length > 0 && html`<h2>Triggers</h2><ul>${triggers.map((trigger) => html`<li><code>${trigger}</code></li>`)}</ul>`}
${ensemble.inputs.length > 0 && inputsTable(ensemble)}
${steps.length > 0 && html`<h2>Steps</h2><ol>${steps.map((step) => html`<li><code>${step}</code></li>`)}</ol>`}
<h2>Run it</h2>
${runExample(`/api/v1/execute/ensemble/${encodeURIComponent(ensemble.name)}`)}`;
  return { slug: `ensembles/${name}`, title: ensemble.name, body };
}

function inputsTable({ inputs }: Ensemble): Markup {
  return html`<h2>Input</h2><div class="wide"><table><thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Description</th></tr></thead><tbody>${inputs.map(
    ({ name, type, required, description }) =>
      html`<tr><td><code>${name}</code>${required && html` <span class="tag">required</span>`}</td><td>${type ?? 'any'}</td><td>${description}</td></tr>`,
  )}</tbody></table></div>`;
}

function runExample(path: string): Markup {
  const body = JSON.stringify({ input: {} }, null, 2);
  return html`<pre tabindex="0"><code class="language-shell">${curlCommand({ method: 'POST', path, body })}
</code></pre>`;
}

export function visibleAgents({ catalog, config, showsProject }: Site): readonly Agent[] {
  if (config.nav.showReserved === false) return [];
  return catalog.agents().filter(({ builtIn }) => builtIn || showsProject);
}

export function visibleEnsembles({ catalog, showsProject }: Site): readonly Ensemble[] {
  return showsProject ? catalog.ensembles() : [];
}

function hiddenNote(site: Site): Markup | false {
  const how = html`<code>docs.auth.requirement: 'optional'</code>`;
  return (
    !site.showsProject &&
    html`<p class="soft">What this project holds is not shown here: ${how} in the configuration shows it to readers with a key.</p>`
  );
}
