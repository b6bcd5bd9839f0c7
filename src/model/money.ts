// Money: integer micro-USD in code, decimal USD on the wire. Owns the two conversions; must never round silently.

const MICROS_PER_USD = 1_000_000;
const DECIMAL_USD = /^(\d{1,9})(?:\.(\d{1,6}))?$/;

/**
 * Reads a dollar amount given as a JSON number or a decimal string ("500", "0.50", 250).
 * Returns integer micro-USD, or undefined when it is not a non-negative amount of at most six decimals below 1e9.
 */
export function parseUsd(value: unknown): number | undefined {
  const text = typeof value === 'number' ? plainDecimal(value) : typeof value === 'string' ? value.trim() : '';
  const match = DECIMAL_USD.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * MICROS_PER_USD + Number((match[2] ?? '').padEnd(6, '0'));
}

/** 500_000_000 -> "500.00"; keeps further digits only where they are not zero ("0.0004"). */
export function formatUsd(micros: number): string {
  const sign = micros < 0 ? '-' : '';
  const digits = String(Math.abs(micros)).padStart(7, '0');
  const decimals = digits.slice(-6);
  const fraction = decimals.endsWith('0000') ? decimals.slice(0, 2) : decimals.replace(/0+$/, '');
  return `${sign}${digits.slice(0, -6)}.${fraction}`;
}

/** Decimal USD as a JSON number for the wire. Exact to six decimals below 1e9. */
export function usdNumber(micros: number): number {
  return micros / MICROS_PER_USD;
}

function plainDecimal(value: number): string {
  if (!Number.isFinite(value) || value < 0) return '';
  const text = String(value);
  if (!/e/i.test(text)) return text;
  const fixed = value.toFixed(6);
  return Number(fixed) === value ? fixed : '';
}
