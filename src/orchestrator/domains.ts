// Which domain a task goes to under a run's taskToDomain: Conductor's rule. The first domain of the list that somebody
// polled in the last ten seconds wins, else the last one; NO_DOMAIN means none.

/** Ten seconds: Conductor's active-worker window. */
export const ACTIVE_WINDOW_MS = 10_000;

export function chooseDomain(
  taskName: string,
  taskToDomain: Readonly<Record<string, string>>,
  isActive: (taskName: string, domain: string) => boolean,
): string | null {
  const list = own(taskToDomain, taskName) ?? own(taskToDomain, '*');
  if (!list) return null;
  const domains = list.split(',').map((domain) => domain.trim());
  const chosen = domains.find((domain) => domain !== 'NO_DOMAIN' && isActive(taskName, domain)) ?? domains.at(-1);
  return !chosen || chosen === 'NO_DOMAIN' ? null : chosen;
}

function own(map: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
