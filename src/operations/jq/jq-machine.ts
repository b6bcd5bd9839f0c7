// One jq in WebAssembly: a program over a document, both of which it forgets. Owns its memory, and what jq may ask of its
// host: no environment, no files, no more output than allowed. It runs until it is done, so it must never be used on a
// thread that others wait for.
import { loadJq } from 'jq-wasm';
import { type JqAnswer, OUT_OF_MEMORY, readJqError, readJqResults, tooMuchOutput } from './jq-answer.ts';

export interface JqMachine {
  run(program: string, document: string): JqAnswer;
  /** Puts its memory back to how it was before the first program. False: it cannot be, and another is to be made. */
  wipe(): boolean;
}

/** None of those that are replaced takes more. */
type HostFunction = (a: number, b: number, c: number, d: number) => unknown;
type HostFunctions = Readonly<Record<string, Readonly<Record<string, HostFunction>>>>;

interface Memory {
  readonly buffer: ArrayBuffer;
}

interface MachineState {
  memory: Memory;
  outputBytesLeft: number;
}

/** The parts of the WebAssembly global that are used here: the language library in use does not declare it. */
declare const WebAssembly: {
  readonly Memory: new (pages: { readonly initial: number }) => Memory;
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(compiled: object, host: HostFunctions): Promise<{ readonly exports: Readonly<Record<string, unknown>> }>;
};

export interface JqMachineOptions {
  /** The limit of a task's output. What jq prints beyond it ends the program. */
  readonly outputBytesMax: number;
}

/** It travels on jq's stack, which has room for ten times as much. */
const PROGRAM_LENGTH_MAX = 100_000;
/** One line for each result; what follows is a program, also where it looks like an option. */
const FLAGS = ['-c', '--'];

class TooMuchOutput extends Error {}

export function compileJq(bytes: Uint8Array): Promise<object> {
  return WebAssembly.compile(bytes);
}

/** `compiled` is what compileJq gave. */
export async function createJqMachine(compiled: object, { outputBytesMax }: JqMachineOptions): Promise<JqMachine> {
  const state: MachineState = { memory: { buffer: new ArrayBuffer(0) }, outputBytesLeft: 0 };
  const jq = await loadJq({
    instantiateWasm: async (given, ready) => {
      const instance = await WebAssembly.instantiate(compiled, guardedHost(given, state));
      state.memory = memoryOf(instance.exports);
      ready(instance, compiled);
    },
  });
  const image = new Uint8Array(state.memory.buffer).slice();
  let broken = false;

  return {
    run: (program, document) => {
      const fault = faultOf(program);
      if (fault) return fault;
      state.outputBytesLeft = outputBytesMax;
      try {
        const { exitCode, stdout, stderr } = jq.raw(document, program, [...FLAGS]);
        return exitCode === 0 ? readJqResults(stdout, outputBytesMax) : readJqError(stderr, exitCode);
      } catch (error) {
        broken = true;
        return error instanceof TooMuchOutput ? tooMuchOutput(outputBytesMax) : OUT_OF_MEMORY;
      }
    },
    wipe: () => {
      // Memory that has grown cannot shrink, and there is no saying what was written where in a broken one.
      if (broken || state.memory.buffer.byteLength !== image.length) return false;
      new Uint8Array(state.memory.buffer).set(image);
      return true;
    },
  };
}

/** What jq may ask for: the environment is empty, and what it prints is counted. Of files its build has none. */
function guardedHost(given: HostFunctions, state: MachineState): HostFunctions {
  return replaceFunctions(given, {
    _environ_sizes_get: () => (countAt, bytesAt) => {
      const words = new Uint32Array(state.memory.buffer);
      words[countAt / 4] = 0;
      words[bytesAt / 4] = 0;
      return 0;
    },
    _environ_get: () => () => 0,
    _fd_write: (write) => (descriptor, buffersAt, count, writtenAt) => {
      state.outputBytesLeft -= bytesIn(new Uint32Array(state.memory.buffer, buffersAt, count * 2));
      if (state.outputBytesLeft < 0) throw new TooMuchOutput();
      return write(descriptor, buffersAt, count, writtenAt);
    },
  });
}

function faultOf(program: string): JqAnswer | null {
  if (program.length > PROGRAM_LENGTH_MAX) {
    return { kind: 'limit', message: `The jq program has more than ${PROGRAM_LENGTH_MAX} characters.` };
  }
  // jq would take what stands before it for the whole program.
  return program.includes('\0') ? { kind: 'error', message: 'The jq program has a NUL character.' } : null;
}

type Replacements = Readonly<Record<string, (given: HostFunction) => HostFunction>>;

/** Throws when one of them is not there: a jq that asks for it in another way must not be run. */
function replaceFunctions(given: HostFunctions, replacements: Replacements): HostFunctions {
  const missing = new Set(Object.keys(replacements));
  const replaced = (key: string, current: HostFunction): [string, HostFunction] => {
    const replacement = Object.hasOwn(replacements, current.name) ? replacements[current.name] : undefined;
    missing.delete(current.name);
    return [key, replacement ? replacement(current) : current];
  };
  const all = Object.entries(given).map(([space, functions]) => {
    const entries = Object.entries(functions).map(([key, current]) => replaced(key, current));
    return [space, Object.fromEntries(entries)] as const;
  });
  if (missing.size > 0) throw new Error(`This build of jq does not ask its host for ${[...missing].join(', ')}.`);
  return Object.fromEntries(all);
}

/** Pairs of address and length. */
function bytesIn(buffers: Uint32Array): number {
  return buffers.reduce((sum, word, index) => (index % 2 === 1 ? sum + word : sum), 0);
}

function memoryOf(exports: Readonly<Record<string, unknown>>): Memory {
  for (const exported of Object.values(exports)) if (exported instanceof WebAssembly.Memory) return exported;
  throw new Error('This build of jq does not show its memory.');
}
