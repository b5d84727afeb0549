import { InvalidArgumentError } from '@harmonica/core';
import type { Parameter, StoredTensor } from './parameter.js';

/**
 * How a file names the tensors of a model: the model's name of a layer, and what the file calls it. `*` stands for a
 * block's number. With several names the layer is stored in parts of equal size.
 */
export type LayoutRule = readonly [own: string, stored: string, ...parts: string[]];

/** Every tensor of a model as one kind of file stores it. */
export interface Layout {
  readonly parameters: readonly Parameter[];
  /** Names that may stand in the file without being parameters. */
  readonly extras?: readonly string[];
}

export interface InLayoutOptions {
  readonly parameters: readonly Parameter[];
  readonly rules: readonly LayoutRule[];
}

/**
 * The same parameters, stored under the names that the rules give.
 *
 * @throws {@link InvalidArgumentError} naming a parameter that no rule covers
 */
export function inLayout({ parameters, rules }: InLayoutOptions): Parameter[] {
  return parameters.map((parameter) => ({
    ...parameter,
    stored: parameter.stored.flatMap((tensor) => renamed(parameter.name, tensor, rules)),
  }));
}

function renamed(name: string, tensor: StoredTensor, rules: readonly LayoutRule[]): StoredTensor[] {
  for (const [own, ...parts] of rules) {
    const match = new RegExp(`^${escaped(own)}(\\.weight|\\.bias)?$`).exec(name);
    if (!match) continue;
    const [, ...groups] = match;
    const suffix = groups.pop() ?? '';
    const shapes = tensor.shapes.map(([rows = 0, ...row]) => [rows / parts.length, ...row]);
    return parts.map((part) => ({
      ...tensor,
      names: [part.replace('*', groups[0] ?? '') + suffix],
      shapes,
    }));
  }
  throw new InvalidArgumentError({
    argument: 'rules',
    value: name,
    expected: 'a rule for every parameter',
  });
}

/** The pattern of a name, in which `*` captures digits. */
function escaped(name: string): string {
  return name.replaceAll('.', '\\.').replace('*', '(\\d+)');
}
