// One QuickJS machine that is put back to its first state after every script by copying its memory back: cheaper than
// a fresh context, and nothing a script did can survive it. Must never be used again once it threw SandboxBroken.
import releaseVariant from '@jitl/quickjs-singlefile-cjs-release-sync';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSSyncVariant,
} from 'quickjs-emscripten-core';
import { shortenText } from '../model/cut-text.ts';
import type { JsonValue } from '../model/json.ts';
import { type MachineMemory, takeMemoryImage } from './memory-image.ts';
import type { ScriptResult } from './script-result.ts';

export interface Sandbox {
  /** `json` is the text of the input document. Throws SandboxBroken. */
  run(source: string, json: string): ScriptResult;
  /** Throws SandboxBroken. */
  checkSyntax(source: string): string | null;
}

export class SandboxBroken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SandboxBroken';
  }
}

/** The part of the WebAssembly global that is used here: the language library in use does not declare it. */
declare const WebAssembly: {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => MachineMemory;
};

/**
 * The machine's whole memory, 16 to 32 MiB (pages of 64 KiB). The limit is the memory's own maximum because this build of QuickJS counts
 * only single allocations against the limit that it is given.
 */
const MEMORY_PAGES = { initial: 256, maximum: 512 };
const ALLOCATION_BYTES_MAX = 24 * 1024 * 1024;
const STACK_BYTES_MAX = 256 * 1024;
/**
 * The machine asks after every 10,000 jumps and calls whether to go on: 5,000 answers are about a second of
 * ordinary looping, and the same script stops at the same turn on every machine, which a clock would not give.
 */
const INTERRUPTS_MAX = 5_000;
const ERROR_LENGTH_MAX = 1_000;

/**
 * Runs once, before the memory image is taken, and hands out the functions the host uses, out of a script's reach.
 * The image would make every run draw the same random numbers, so each run mixes its ordinal into the first seed.
 */
const PRELUDE = `(() => {
  const { parse, stringify } = JSON;
  const { imul, random } = Math;
  const text = String;
  const seed = random() * 4294967296;
  let state = 0;
  Math.random = function random() {
    state = (state + 0x6d2b79f5) | 0;
    let t = imul(state ^ (state >>> 15), state | 1);
    t ^= t + imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const silent = () => undefined;
  globalThis.console = { log: silent, info: silent, warn: silent, error: silent, debug: silent, trace: silent };
  const begin = (json, ordinal) => {
    state = (seed ^ imul(ordinal, 0x9e3779b1)) | 0;
    globalThis.$ = parse(json);
  };
  const finish = (value) => stringify(value);
  const describe = (error) => {
    if (typeof error === 'object' && error !== null) {
      return 'message' in error ? text(error.name ?? 'Error') + ': ' + text(error.message) : 'Error: ' + stringify(error);
    }
    return 'Error: ' + text(error);
  };
  return [begin, finish, describe];
})()`;

interface Machine {
  readonly context: QuickJSContext;
  readonly memory: MachineMemory;
  readonly begin: QuickJSHandle;
  readonly finish: QuickJSHandle;
  readonly describe: QuickJSHandle;
  /** Starts the budget of a run. */
  rewind(): void;
  /** The budget is spent. */
  exhausted(): boolean;
}

export async function createSandbox(): Promise<Sandbox> {
  const machine = await startMachine();
  const image = takeMemoryImage(machine.memory);
  let ordinal = 0;

  function guarded<T>(use: () => T): T {
    machine.rewind();
    try {
      const result = use();
      image.restore();
      return result;
    } catch (error) {
      // The host's own stack ran out inside the machine, or the machine trapped: its stack pointer is lost.
      throw new SandboxBroken(
        error instanceof RangeError ? 'InternalError: stack overflow' : 'InternalError: the script sandbox failed',
      );
    }
  }

  return {
    run: (source, json) => {
      ordinal += 1;
      return guarded(() => runProgram(machine, source, json, ordinal));
    },
    checkSyntax: (source) =>
      guarded(() => {
        const compiled = machine.context.evalCode(source, 'script', { compileOnly: true });
        return compiled.error ? errorText(machine, compiled.error) : null;
      }),
  };
}

async function startMachine(): Promise<Machine> {
  const memory = new WebAssembly.Memory(MEMORY_PAGES);
  const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(syncVariant(), { wasmMemory: memory }));
  const runtime = quickjs.newRuntime();
  let interrupts = 0;
  runtime.setMemoryLimit(ALLOCATION_BYTES_MAX);
  runtime.setMaxStackSize(STACK_BYTES_MAX);
  runtime.setInterruptHandler(() => {
    interrupts += 1;
    return interrupts > INTERRUPTS_MAX;
  });
  const context = runtime.newContext();
  const prelude = context.unwrapResult(context.evalCode(PRELUDE, 'prelude'));
  const [begin, finish, describe] = [0, 1, 2].map((index) => context.getProp(prelude, index));
  if (!begin || !finish || !describe) throw new SandboxBroken('InternalError: the prelude gave no functions');
  return {
    context,
    memory,
    begin,
    finish,
    describe,
    rewind: () => {
      interrupts = 0;
    },
    exhausted: () => interrupts > INTERRUPTS_MAX,
  };
}

/** Handles are not disposed: putting the memory back frees everything at once. */
function runProgram(machine: Machine, source: string, json: string, ordinal: number): ScriptResult {
  const { context, begin, finish } = machine;
  const begun = context.callFunction(begin, context.undefined, context.newString(json), context.newNumber(ordinal));
  if (begun.error) return { ok: false, error: errorText(machine, begun.error) };
  const completed = context.evalCode(source, 'script');
  if (completed.error) return { ok: false, error: errorText(machine, completed.error) };
  const finished = context.callFunction(finish, context.undefined, completed.value);
  if (finished.error) return { ok: false, error: errorText(machine, finished.error) };
  // Functions and `undefined` have no JSON.
  if (context.typeof(finished.value) !== 'string') return { ok: true, value: null };
  return { ok: true, value: JSON.parse(context.getString(finished.value)) as JsonValue };
}

function errorText(machine: Machine, error: QuickJSHandle): string {
  if (machine.exhausted()) return 'InternalError: interrupted, the script ran for too long';
  const { context, describe } = machine;
  // With no memory left the machine cannot even make the error: it throws null.
  if (context.eq(error, context.null)) return 'InternalError: out of memory, or null was thrown';
  const described = context.callFunction(describe, context.undefined, error);
  if (machine.exhausted()) return 'InternalError: interrupted, the script ran for too long';
  if (described.error || context.typeof(described.value) !== 'string') return 'Error: the script failed';
  const text = context.getString(described.value);
  return shortenText(text, ERROR_LENGTH_MAX);
}

/** The variant is a CommonJS module: its default export arrives wrapped or bare, depending on who loads it. */
function syncVariant(): QuickJSSyncVariant {
  const loaded: QuickJSSyncVariant | { readonly default: QuickJSSyncVariant } = releaseVariant;
  return 'default' in loaded ? loaded.default : loaded;
}
