// The API reference: a list of every call by group, and one page per group with parameters, bodies, answers and a
// command to copy. One page for all would be a megabyte, and nobody reads those.
import type { JsonObject } from '../../model/json.ts';
import { type ApiCall, type ApiContent, apiCalls, objectAt, textAt } from './api-document.ts';
import { curlCommand } from './curl.ts';
import type { PageParts } from './layout.ts';
import { html, type Markup } from './markup.ts';
import { exampleOf, schemaView, typeName } from './schema-view.ts';
import type { Site } from './site.ts';

export function renderApi(site: Site): PageParts {
  const document = site.catalog.openapi();
  const groups = grouped(apiCalls(document));
  const info = objectAt(document, 'info');
  const body = html`<h1>API reference</h1>
<p class="lead">${textAt(info, 'title')} ${textAt(info, 'version')}</p>
${textAt(info, 'description') && html`<p>${textAt(info, 'description')}</p>`}
<p>Send a key with every request, as <code>X-API-Key</code> or as <code>Authorization: Bearer</code>, unless a call is marked <span class="tag">open</span>. <a href="${site.link('openapi.json')}">OpenAPI document</a></p>
${groups.map(
  ([group, calls]) =>
    html`<section><h2 id="${anchor(group)}">${heading(group)}</h2><ul class="calls">${calls.map(
      (call) =>
        html`<li><a href="${site.link(`api/${group}`, call.id)}">${signature(call)} <span class="soft">${call.summary}</span></a></li>`,
    )}</ul></section>`,
)}`;
  const headings = groups.map(([group]) => ({ id: anchor(group), depth: 2, text: heading(group) }));
  return { slug: 'api', title: 'API reference', body, headings };
}

export function renderApiGroup(site: Site, group: string): PageParts | undefined {
  const document = site.catalog.openapi();
  const calls = apiCalls(document).filter((call) => call.group === group);
  if (calls.length === 0) return undefined;
  const body = html`<p class="soft"><a href="${site.link('api')}">API reference</a></p><h1>${heading(group)}</h1>
${calls.map((call) => callView(document, call))}`;
  const headings = calls.map(({ id, method, path, summary }) => ({
    id,
    depth: 2,
    text: summary || `${method} ${path}`,
  }));
  return { slug: `api/${group}`, title: `${heading(group)} API`, body, headings };
}

function callView(document: JsonObject, call: ApiCall): Markup {
  return html`<article class="call" aria-labelledby="${call.id}"><h2 id="${call.id}">${signature(call)}</h2>
${call.summary && html`<p>${call.summary}</p>`}${call.description && html`<p>${call.description}</p>`}
${call.parameters.length > 0 && parametersView(document, call)}
${call.bodies.map((content) => html`<h3>Body</h3>${contentView(document, content)}`)}
<h3>Answers</h3>
${call.responses.map(
  ({ status, description, contents }) =>
    html`<details${contents.length > 0 && status.startsWith('2') && html` open`}><summary>${status === 'default' ? 'otherwise' : status} <span class="soft">${description}</span></summary>${contents.map((content) => contentView(document, content))}</details>`,
)}
<h3>Example</h3>
<pre tabindex="0"><code class="language-shell">${exampleCall(document, call)}
</code></pre></article>`;
}

function parametersView(document: JsonObject, { parameters }: ApiCall): Markup {
  return html`<h3>Parameters</h3><div class="wide"><table><thead><tr><th scope="col">Name</th><th scope="col">In</th><th scope="col">Type</th></tr></thead><tbody>${parameters.map(
    ({ name, place, required, description, schema }) =>
      html`<tr><td><code>${name}</code>${required && html` <span class="tag">required</span>`}</td><td>${place}</td><td>${typeName(schema, document)}${description && html` <span class="soft">— ${description}</span>`}</td></tr>`,
  )}</tbody></table></div>`;
}

function contentView(document: JsonObject, { contentType, schema }: ApiContent): Markup {
  return html`<p class="soft"><code>${contentType}</code></p>${schemaView(document, schema)}`;
}

function exampleCall(document: JsonObject, call: ApiCall): string {
  const content = call.bodies.find(({ contentType }) => contentType.includes('json'));
  const body = content && JSON.stringify(exampleOf(document, content.schema), null, 2);
  return curlCommand({ method: call.method, path: call.path, ...(body === undefined ? {} : { body }) });
}

function signature({ method, path, open }: ApiCall): Markup {
  return html`<span class="verb ${method.toLowerCase()}">${method}</span> <span class="path">${path}</span>${open && html` <span class="tag">open</span>`}`;
}

function grouped(calls: readonly ApiCall[]): [string, ApiCall[]][] {
  const names = [...new Set(calls.map(({ group }) => group))].toSorted();
  return names.map((name) => [name, calls.filter(({ group }) => group === name)]);
}

const anchor = (group: string) => group.replaceAll(/[^\w-]+/g, '-');
const heading = (group: string) => group.charAt(0).toUpperCase() + group.slice(1);
