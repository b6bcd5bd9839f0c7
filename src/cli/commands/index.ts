// Every command, in the order in which help prints them.
import type { CliCommand } from '../command.ts';
import { agentsInfo } from './agents-info.ts';
import { agentsList } from './agents-list.ts';
import { build } from './build.ts';
import { configShow } from './config-show.ts';
import { dev } from './dev.ts';
import { doctor } from './doctor.ts';
import { ensemblesInfo } from './ensembles-info.ts';
import { ensemblesList } from './ensembles-list.ts';
import { exec } from './exec.ts';
import { init } from './init.ts';
import { keysGenerate } from './keys-generate.ts';
import { keysInfo } from './keys-info.ts';
import { keysList } from './keys-list.ts';
import { keysRevoke } from './keys-revoke.ts';
import { keysRotate } from './keys-rotate.ts';
import { secretsList } from './secrets-list.ts';
import { secretsRemove } from './secrets-remove.ts';
import { secretsSet } from './secrets-set.ts';
import { start } from './start.ts';
import { validate } from './validate.ts';
import { version } from './version.ts';
import { workflowValidate } from './workflow-validate.ts';

export const COMMANDS: readonly CliCommand[] = [
  init,
  dev,
  start,
  exec,
  validate,
  build,
  ensemblesList,
  ensemblesInfo,
  agentsList,
  agentsInfo,
  configShow,
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
