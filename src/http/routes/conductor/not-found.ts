// Conductor's words for things that are not there; its clients' clean-up code matches on them.
import { AppError } from '../../../model/error.ts';

export function noSuchRun(id: string): AppError {
  return new AppError('not_found', `No such workflow found by id: ${id}`);
}

export function noSuchTask(id: string): AppError {
  return new AppError('not_found', `Task not found for taskId: ${id}`);
}

export function noSuchDefinition(name: string, version: number | null): AppError {
  return new AppError('not_found', `No such workflow found by name: ${name}, version: ${version ?? 'latest'}`);
}

export function noSuchTaskDefinition(name: string): AppError {
  return new AppError('not_found', `No such taskType found by name: ${name}`);
}
