// Builds what stands behind HTTP, in the order in which each part needs the one before, and takes it down in reverse.
// Must never leave an opened part open when a later one fails.
import type { Access } from '../../access/access.ts';
import type { ApiKeys } from '../../access/api-keys.ts';
import { createAccess } from '../../access/create-access.ts';
import type { CredentialChain } from '../../access/credential-chain.ts';
import type { CustomValidator } from '../../access/guard.ts';
import { hasPermission } from '../../access/permissions.ts';
import type { DatabaseSettings } from '../../cli/host.ts';
import type { Settings } from '../../config/config-schema.ts';
import { createEgress } from '../../egress/create-egress.ts';
import type { Egress } from '../../egress/egress.ts';
import { oncePerOrigin } from '../../egress/tell-bypass.ts';
import { createAgentWorker } from '../../ensembles/agent-worker.ts';
import { ApprovalNotifier } from '../../ensembles/approval-notifier.ts';
import { type Approvals, createApprovals } from '../../ensembles/approvals.ts';
import type { Executor } from '../../ensembles/executor.ts';
import { createRunExecutor } from '../../ensembles/run-executor.ts';
import { loadScriptRunner } from '../../expressions/javascript.ts';
import { permission } from '../../http/permission.ts';
import type { AgentDefinition } from '../../model/agent.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Run } from '../../model/run.ts';
import { createEventWorker } from '../../operations/event/event-task.ts';
import { ApprovalTokens } from '../../operations/hitl/approval-tokens.ts';
import { createHttpWorker } from '../../operations/http/http-task.ts';
import { createJqWorker } from '../../operations/jq/jq-task.ts';
import { OPERATIONS } from '../../operations/registry.ts';
import { Loop } from '../../orchestrator/loop.ts';
import { createOrchestrator } from '../../orchestrator/orchestrator.ts';
import type { Orchestrator } from '../../orchestrator/orchestrator-api.ts';
import type { Clock } from '../../orchestrator/ports.ts';
import { Freshness } from '../../store/freshness.ts';
import type { Store } from '../../store/port.ts';
import { createVault, type Vault } from '../../vault/create-vault.ts';
import { accessPolicyOf } from '../access-policy.ts';
import { agentLogger } from '../agent-logger.ts';
import type { ServerLog } from '../log.ts';
import { createNewId } from '../new-id.ts';
import { agentFetch, handlerOf, postgresBindings } from './agent-surroundings.ts';
import { JqThread } from './jq/jq-thread.ts';
import { LiveProject } from './live-project.ts';
import { nativeDigest } from './native-digest.ts';
import { openStore } from './open-store.ts';
import { startRetention } from './retention.ts';
import { approvalSecretOf, masterKeyCheckOf, tokenSecretOf } from './secret-files.ts';
import { ConfigurationError } from './server-options.ts';
import { createAgentServices } from './services/agent-services.ts';

export interface PartsOptions {
  readonly dataDir: string;
  readonly masterKey: Uint8Array;
  readonly localKey: string;
  readonly open: boolean;
  /** How callers reach us. */
  readonly publicUrl: string;
  /** Origins beyond the address rules. */
  readonly allowOrigins: readonly string[];
  /** Our own, beyond the address rules of HTTP tasks alone. */
  readonly ownOrigins: readonly string[];
  readonly stripeUpstream: string;
  readonly stripeSecret: string | undefined;
  /** Undefined: the embedded one. */
  readonly database: DatabaseSettings | undefined;
  /** 0: for ever. */
  readonly keepRunsMs: number;
  readonly keepAuditMs: number;
  readonly settings: Settings;
  readonly projectDirectory: string | null;
  readonly validators: ReadonlyMap<string, CustomValidator>;
  /** Stops accepting requests; resolves when those under way are answered. */
  readonly stopHttp: () => Promise<void>;
  readonly log: ServerLog;
}

export interface Parts {
  readonly clock: Clock;
  readonly store: Store;
  readonly loop: Loop;
  /** Of what processes share and hold in memory; null where nothing is shared. */
  readonly freshness: Freshness | null;
  readonly vault: Vault;
  readonly orchestrator: Orchestrator;
  readonly access: Access & ApiKeys & CredentialChain;
  readonly egress: Egress;
  readonly project: LiveProject;
  readonly executor: Executor;
  readonly approvals: Approvals;
  /** The API's description, for the docs; set once there are routes. */
  readonly describeApi: (openapi: () => JsonObject) => void;
}

/** Of a vendor call's body: Stripe's own requests stay far below. */
export const VAULT_BODY_BYTES_MAX = 1024 * 1024;

export const systemClock: Clock = { now: () => Date.now() };

const newId = createNewId();

/** What must be undone, the last thing first. */
export class Undo {
  readonly #steps: (() => Promise<void> | void)[] = [];

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  /** Goes on when a step fails, and rejects with the first failure at the end. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** The store, and how rounds are made on it. */
export interface Ground {
  readonly store: Store;
  readonly freshness: Freshness | null;
  /** The orchestrator's rounds. */
  readonly loop: Loop;
  /**
   * Those of the vault and of access. The same loop on the embedded store; in a shared one their own, so that a round that
   * waits for a vault key holds up no run, and no run is ever held by who waits for a key.
   */
  readonly moneyLoop: Loop;
}

/** Everything added here ends after all that uses it. */
export async function openGround(
  options: Pick<PartsOptions, 'dataDir' | 'database' | 'log'>,
  undo: Undo,
): Promise<Ground> {
  const store = await openStore(options.dataDir, options.database);
  undo.add(() => store.close());
  // Before anything is read into memory: a change in between is then read twice, not missed.
  const freshness = store.shared ? await Freshness.open(store.shared) : null;
  const newLoop = () => {
    const loop = new Loop(store, systemClock, (error) => options.log.error('a round was lost', { error }));
    undo.add(() => loop.drained());
    return loop;
  };
  const loop = newLoop();
  return { store, freshness, loop, moneyLoop: store.shared ? newLoop() : loop };
}

/** Closing steps are added to `undo` as parts open. Rejects when one does not open. */
export async function openParts(options: PartsOptions, undo: Undo): Promise<Parts> {
  const clock = systemClock;
  const ground = await openGround(options, undo);
  const { freshness, loop, store } = ground;
  const { allowOrigins, keepAuditMs, keepRunsMs, log, ownOrigins } = options;
  const egress = createEgress({
    allowOrigins: () => allowOrigins,
    ownOrigins: () => ownOrigins,
    // What the operator has listed is no surprise to them: told, and not warned of.
    onBypass: oncePerOrigin((bypass) => log.info('a request goes out without the address rules', { ...bypass })),
  });
  undo.add(() => egress.close());
  const services = createAgentServices({
    dataDir: options.dataDir,
    clock,
    shared: store.shared,
    postgres: postgresBindings(options.settings),
  });
  undo.add(() => services.close());
  const project = await LiveProject.open({ directory: options.projectDirectory, settings: options.settings });
  const access = await createAccess({
    transactor: loop,
    reads: store.reads,
    clock,
    freshness,
    tokenSecret: tokenSecretOf(options.masterKey),
    localKey: options.localKey,
    open: options.open,
    policy: accessPolicyOf(options.settings, services.keyValue, options.validators),
    fetch: egress.safeFetch,
  });
  const vault = await openVault(options, ground, egress);
  undo.add(() => vault.close());
  let openapi = (): JsonObject => ({});
  const operations = new Map(OPERATIONS.map((operation) => [operation.name, operation]));
  const agents = createAgentWorker({
    project: project.project,
    operations,
    services: { ...services, handler: handlerOf(project), catalog: project.catalog(() => openapi()) },
    fetchFor: agentFetch(egress, log),
    mayRunAlone: mayRunAlone(options.settings),
    missingPermission: missingPermission(options.settings),
    env: project.env,
    defaultTimeoutMs: options.settings.execution.defaultTimeout,
    logger: (agent, run) => agentLogger(log, agent, run),
    clock,
  });
  const jq = new JqThread({ onLost: (error) => log.error('the jq thread ended by itself', { error }) });
  undo.add(() => jq.close());
  let opened = (_orchestrator: Orchestrator): void => undefined;
  const script = await loadScriptRunner();
  const events = createEventWorker({
    script,
    orchestrator: new Promise((resolve) => {
      opened = resolve;
    }),
  });
  let asked = (_taskId: string): void => undefined;
  const orchestrator = await createOrchestrator({
    loop,
    store,
    clock,
    freshness,
    processId: newProcessId(),
    hooks: vault.hooks,
    workers: [createHttpWorker(egress), createJqWorker(jq), events, agents],
    newId,
    random: Math.random,
    script,
    onApprovalAsked: (taskId) => asked(taskId),
    onDefect: (what) => log.error('the repair scan found a defect', { what }),
  });
  opened(orchestrator);
  undo.add(async () => {
    const answered = options.stopHttp();
    // Long polls are answered by the orchestrator's end, so HTTP ends after it; vendor calls need the vault till then.
    await orchestrator.stop();
    await answered;
  });
  const approvals = openApprovals(options, { orchestrator, store, egress, project }, undo);
  asked = approvals.asked;
  const retention = startRetention({ store, clock, keepRunsMs, keepAuditMs, log });
  undo.add(() => retention.stop());
  const executor = createRunExecutor({ orchestrator, project: project.project, operations, newId });
  const describeApi = (describe: () => JsonObject) => {
    openapi = describe;
  };
  return {
    ...{ clock, store, freshness, loop, vault, orchestrator, access, egress, project, executor, describeApi },
    approvals: approvals.service,
  };
}

function openApprovals(
  { masterKey, publicUrl, log }: PartsOptions,
  { orchestrator, store: { reads }, egress, project }: Pick<Parts, 'orchestrator' | 'store' | 'egress' | 'project'>,
  undo: Undo,
) {
  const tokens = new ApprovalTokens(approvalSecretOf(masterKey));
  const about = { orchestrator, reads, tokens, clock: systemClock };
  const notifier = new ApprovalNotifier({
    ...about,
    ...{ publicUrl, log, env: project.env, fetch: egress.safeFetch },
  });
  undo.add(() => notifier.stop());
  // Beside the work: a webhook that hangs must not hold up the start.
  void notifier.catchUp().catch((error: unknown) => log.error('open approvals could not be read', { error }));
  return { service: createApprovals(about), asked: (taskId: string) => notifier.tell(taskId) };
}

/** As the execute API has it, so that a workflow is no way around it. */
function mayRunAlone({ api, security }: Settings): (agent: AgentDefinition) => boolean {
  const unless = !api.execution.agents.requireExplicit;
  return ({ apiExecutable }) => security.allowDirectAgentExecution && (apiExecutable ?? unless);
}

/**
 * By what whoever started the run might do then. Asked when the task runs, for its agent's name may be an expression. A
 * run that does not say who started it, such as one from before the setting, runs no agents.
 */
function missingPermission({ security }: Settings): (agentId: string, run: Run) => string | null {
  return (agentId, { agentGrants = [] }) => {
    const required = permission('agent', agentId, 'execute');
    return security.autoPermissions && !hasPermission(agentGrants, required) ? required : null;
  };
}

type VaultSettings = Pick<PartsOptions, 'masterKey' | 'publicUrl' | 'stripeUpstream' | 'stripeSecret' | 'log'>;

/** Throws when stored secrets were sealed under another master key, or others on the database go by another. */
export async function openVault(settings: VaultSettings, ground: Ground, egress: Egress): Promise<Vault> {
  const { freshness, moneyLoop, store } = ground;
  const check = masterKeyCheckOf(settings.masterKey);
  if (store.shared && (await store.shared.agree('master key check', check)) !== check) {
    throw new ConfigurationError(
      'This database is used with another master key: give every server and every command the same CONDUCTOR_MASTER_KEY.',
    );
  }
  return createVault({
    transactor: moneyLoop,
    reads: store.reads,
    shared: store.shared,
    freshness,
    clock: systemClock,
    newId,
    masterKey: settings.masterKey,
    newChargeRowId: () => store.newRowId('charge'),
    upstreams: { stripe: settings.stripeUpstream },
    egress,
    environmentSecrets: { stripe: settings.stripeSecret },
    publicUrl: () => settings.publicUrl,
    bodyBytesMax: VAULT_BODY_BYTES_MAX,
    digest: nativeDigest,
    log: (message) => settings.log.error(message),
  });
}

/** Names this process, this time: one that was started again has lost what the former one worked on. */
function newProcessId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(9))).toString('base64url');
}
