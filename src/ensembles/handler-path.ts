// Where the handler of a `code` agent lies. Owns the rule that it lies inside the project: nothing outside is ever loaded
// by what a YAML file says.

/** Relative to the project, with "/"; null when it would leave the project. `yamlPath` is relative to the project too. */
export function handlerPath(yamlPath: string, handler: string): string | null {
  if (/^[/\\~]|^[A-Za-z][A-Za-z0-9+.-]*:|\\|\0|%2e/i.test(handler)) return null;
  const segments = yamlPath.split('/').slice(0, -1);
  for (const segment of handler.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') segments.push(segment);
    else if (segments.pop() === undefined) return null;
  }
  return segments.length === 0 ? null : segments.join('/');
}
