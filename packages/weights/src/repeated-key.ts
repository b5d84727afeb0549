/**
 * The first key that some object of a JSON document holds twice, which `JSON.parse` would silently let win.
 *
 * @param json a document that `JSON.parse` accepts
 */
export function findRepeatedKey(json: string): string | undefined {
  const open: Set<string>[] = []; // keys so far of each object around the cursor
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{') open.push(new Set());
    else if (character === '}') open.pop();
    else if (character === '"') {
      const end = endOfString(json, at);
      if (isKey(json, end)) {
        const key = JSON.parse(json.slice(at, end)) as string;
        if (open.at(-1)?.has(key)) return key;
        open.at(-1)?.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** Index after the closing quote of the string that starts at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isKey(json: string, after: number): boolean {
  let at = after;
  while (' \t\r\n'.includes(json[at] ?? ':')) at++;
  return json[at] === ':';
}
