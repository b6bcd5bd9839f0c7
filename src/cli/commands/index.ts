// Every command, in the order in which help prints them.
import type { CliCommand } from '../command.ts';
import { dev } from './dev.ts';
import { doctor } from './doctor.ts';
import { keysGenerate } from './keys-generate.ts';
import { keysInfo } from './keys-info.ts';
import { keysList } from './keys-list.ts';
import { keysRevoke } from './keys-revoke.ts';
import { keysRotate } from './keys-rotate.ts';
import { secretsList } from './secrets-list.ts';
import { secretsRemove } from './secrets-remove.ts';
import { secretsSet } from './secrets-set.ts';
import { start } from './start.ts';
import { version } from './version.ts';
import { workflowValidate } from './workflow-validate.ts';

export const COMMANDS: readonly CliCommand[] = [
  dev,
  start,
  keysGenerate,
  keysList,
  keysInfo,
  keysRotate,
  keysRevoke,
  secretsSet,
  secretsList,
  secretsRemove,
  workflowValidate,
  doctor,
  version,
];
