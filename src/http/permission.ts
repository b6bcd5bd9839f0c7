// Spells permissions: `resource:name:action`. Names come from callers, so a colon in one must not shift the parts.

export function permission(resource: string, name: string, action: string): string {
  return `${resource}:${name.includes(':') ? name.replaceAll(':', '%3A') : name}:${action}`;
}
