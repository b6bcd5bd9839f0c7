// Where a link of a page may lead: http(s), mail, another page, an anchor. Judges the address as a browser would read
// it, after dropping the control characters that browsers drop.

/** The address to write, or undefined when nothing may be linked. */
export function linkTarget(address: string): string | undefined {
  const plain = decodeReferences(address)
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .replaceAll(' ', '%20');
  if (plain === '' || /^[/\\]{2}/.test(plain)) return undefined;
  const scheme = /^([^/?#:]*):/.exec(plain)?.[1]?.toLowerCase();
  return scheme === undefined || scheme === 'http' || scheme === 'https' || scheme === 'mailto' ? plain : undefined;
}

/** `&#106;avascript:` is javascript: to a browser; who judges an address must read it alike. */
function decodeReferences(text: string): string {
  return text
    .replaceAll(/&#(x[\da-f]{1,6}|\d{1,7});?/gi, (whole, digits: string) => {
      const code = /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number(digits);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    })
    .replaceAll(/&colon;/gi, ':')
    .replaceAll(/&(tab|newline);/gi, '')
    .replaceAll(/&amp;/gi, '&');
}
