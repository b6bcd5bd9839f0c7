// Who works on a task, by the name that a worker gives itself. Processes of the server that share a database are called
// `server:<process id>`: what is in progress at one that shows no sign of life is taken from it at once. Nobody else may
// be called so.
const OWN_PREFIX = 'server:';

export function isServerProcess(workerId: string): boolean {
  return workerId.startsWith(OWN_PREFIX);
}
