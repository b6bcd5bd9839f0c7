// A copy of a WebAssembly memory at one moment, to be put back later. Owns which bytes have to be copied.

/** A WebAssembly.Memory. */
export interface MachineMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface MemoryImage {
  /** Everything the machine can tell apart is as it was when the image was taken. */
  restore(): void;
}

/**
 * A long run of zeros in a fresh machine is its unused stack, whose contents mean nothing between two calls.
 * Allocated memory holds none of this length, and bytes behind the image are free memory to the machine's allocator.
 */
const SKIPPED_BYTES_MIN = 1024 * 1024;

export function takeMemoryImage(memory: MachineMemory): MemoryImage {
  const bytes = new Uint8Array(memory.buffer);
  const ranges = usedRanges(bytes).map(([from, to]) => ({ from, copy: bytes.slice(from, to) }));
  return {
    restore: () => {
      // Made anew each time: growing the memory detaches older views of it.
      const target = new Uint8Array(memory.buffer);
      for (const { from, copy } of ranges) target.set(copy, from);
    },
  };
}

function usedRanges(bytes: Uint8Array): [number, number][] {
  // Eight bytes at a time: a fresh machine has 16 MiB to look through.
  const words = new BigUint64Array(bytes.buffer, 0, bytes.length / 8);
  const ranges: [number, number][] = [];
  let from = -1;
  let last = -1;
  for (let at = 0; at < words.length; at += 1) {
    if (words[at] === 0n) continue;
    if (from < 0) from = at;
    else if ((at - last) * 8 > SKIPPED_BYTES_MIN) {
      ranges.push([from * 8, (last + 1) * 8]);
      from = at;
    }
    last = at;
  }
  if (from >= 0) ranges.push([from * 8, (last + 1) * 8]);
  return ranges;
}
