// Writes small files in the MaxMind DB format (version 2, an IPv6 tree with 24-bit records), so that tests need none of
// anybody's data.
import ipaddr from 'ipaddr.js';

type Value = string | number | readonly Value[] | { readonly [key: string]: Value };
type Node = [Node | Buffer | null, Node | Buffer | null];

const MARKER = Buffer.from([0xab, 0xcd, 0xef, ...Buffer.from('MaxMind.com')]);

export function maxmindFile(entries: Readonly<Record<string, Value>>): Uint8Array {
  const root: Node = [null, null];
  for (const [cidr, record] of Object.entries(entries)) insert(root, cidr, encode(record));
  const nodes = numbered(root);
  const data: Buffer[] = [];
  let dataLength = 0;
  const tree = Buffer.alloc(nodes.size * 6);
  for (const [node, index] of nodes) {
    node.forEach((side, bit) => {
      let value = nodes.size;
      if (Array.isArray(side)) value = nodes.get(side) ?? 0;
      else if (side !== null) {
        value = nodes.size + 16 + dataLength;
        data.push(side);
        dataLength += side.length;
      }
      tree.writeUIntBE(value, index * 6 + bit * 3, 3);
    });
  }
  return Buffer.concat([tree, Buffer.alloc(16), ...data, MARKER, metadata(nodes.size)]);
}

function metadata(nodeCount: number): Buffer {
  return encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test',
    description: { en: 'test' },
    ip_version: 6,
    languages: ['en'],
    node_count: nodeCount,
    record_size: 24,
  });
}

/** IPv4 addresses stand in the lowest 32 bits of the tree. */
function insert(root: Node, cidr: string, record: Buffer): void {
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const bytes = address.toByteArray();
  const padded = [...new Array<number>(16 - bytes.length).fill(0), ...bytes];
  const depth = prefix + (16 - bytes.length) * 8;
  let node = root;
  for (let at = 0; at < depth; at += 1) {
    const bit = ((padded[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
    const next = node[bit];
    if (at === depth - 1) node[bit] = record;
    else if (Array.isArray(next)) node = next;
    else {
      const made: Node = [null, null];
      node[bit] = made;
      node = made;
    }
  }
}

function numbered(root: Node): Map<Node, number> {
  const numbers = new Map<Node, number>([[root, 0]]);
  for (const node of numbers.keys()) {
    for (const side of node) if (Array.isArray(side)) numbers.set(side, numbers.size);
  }
  return numbers;
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)]);
  const pairs = Object.entries(value);
  return Buffer.concat([control(7, pairs.length), ...pairs.flatMap(([key, each]) => [encode(key), encode(each)])]);
}

/** Whole numbers as uint32, the rest as doubles. */
function number(value: number): Buffer {
  const whole = Number.isInteger(value) && value >= 0;
  const bytes = Buffer.alloc(whole ? 4 : 8);
  if (whole) bytes.writeUInt32BE(value);
  else bytes.writeDoubleBE(value);
  return Buffer.concat([control(whole ? 6 : 3, bytes.length), bytes]);
}

function control(type: number, size: number): Buffer {
  const low = size < 29 ? size : 29;
  const head = type < 8 ? [(type << 5) | low] : [low, type - 7];
  return Buffer.from(size < 29 ? head : [...head, size - 29]);
}
