import { concat, type Tensor, tensor, tile } from '@tensorflow/tfjs-core';
import type { BackboneSpec, NamedTensors } from './backbone.js';
import { assertArgument, assertShape } from './checks.js';
import { DTypeError } from './errors.js';

/**
 * Checks conditioning tensors against what the backbone asks for.
 *
 * @throws {@link InvalidArgumentError} if one is missing or unknown
 * @throws {@link ShapeError}, {@link DTypeError} if one does not fit
 */
export function assertCondition(spec: BackboneSpec, condition: NamedTensors, batch: number): void {
  const known = spec.condition.map(({ name }) => name);
  for (const name of Object.keys(condition)) {
    assertArgument(
      { condition: name },
      `the inputs of ${spec.name}: ${known.join(', ') || 'none'}`,
      known.includes(name),
    );
  }
  for (const { name, dtype, shape } of spec.condition) {
    const given = condition[name];
    assertArgument(
      { [`condition.${name}`]: undefined },
      `a ${dtype} tensor [${[batch, ...shape].join(', ')}]`,
      given,
    );
    const expected = [batch, ...shape];
    if (given.dtype !== dtype) {
      throw new DTypeError({ tensor: `condition.${name}`, actual: given.dtype, expected: dtype });
    }
    assertShape({ [`condition.${name}`]: given }, expected);
  }
}

/** Tensors whose values are known to be in range. */
const checked = new WeakSet<Tensor>();

/**
 * Checks the values of conditioning inputs that have a range, such as class labels: what engines make of one outside of it
 * differs, down to an image of another class. A tensor is read only once.
 *
 * @throws {@link InvalidArgumentError} naming the first value that is out of range
 */
export async function assertConditionValues(
  spec: BackboneSpec,
  condition: NamedTensors,
): Promise<void> {
  for (const { name, below } of spec.condition) {
    const given = condition[name];
    if (below === undefined || !given || checked.has(given)) continue;
    for (const [i, value] of (await given.data()).entries()) {
      const isInRange = Number.isInteger(value) && value >= 0 && value < below;
      const expected = `an integer in [0, ${below - 1}], as ${spec.name} takes`;
      assertArgument({ [`condition.${name}[${i}]`]: value }, expected, isInRange);
    }
    checked.add(given);
  }
}

/**
 * Checks the unconditional inputs of guidance as {@link assertCondition} does the conditional ones. Fewer rows than images
 * repeat, so their number must divide that of the images.
 *
 * @throws {@link InvalidArgumentError}, {@link ShapeError}, {@link DTypeError}
 */
export function assertUnconditional(
  spec: BackboneSpec,
  unconditional: NamedTensors,
  batch: number,
): void {
  const rows = Object.values(unconditional)[0]?.shape[0] ?? batch;
  assertArgument(
    { 'guidance.unconditional': rows },
    `one row for all ${batch} images, one for each, or a number that divides theirs`,
    batch % rows === 0,
  );
  assertCondition(spec, unconditional, rows);
}

/**
 * Conditional and unconditional inputs as one batch, in this order.
 *
 * @param unconditional fewer rows than the condition's repeat. Default: the spec's `nullCondition`
 * @returns tensors of twice the batch; the caller disposes them
 * @throws {@link InvalidArgumentError} if there is neither
 */
export function doubleCondition(
  spec: BackboneSpec,
  condition: NamedTensors,
  unconditional?: NamedTensors,
): NamedTensors {
  const entries = spec.condition.map(({ name }): [string, Tensor] => {
    const given = condition[name] as Tensor;
    const [batch = 0] = given.shape;
    const without = unconditional?.[name];
    const other = without ? repeated(without, batch) : nullTensor(spec, name, batch);
    const both = concat([given, other], 0);
    other.dispose();
    return [name, both];
  });
  return Object.fromEntries(entries);
}

function repeated(x: Tensor, batch: number): Tensor {
  const [rows = batch, ...rest] = x.shape;
  return tile(x, [batch / rows, ...rest.map(() => 1)]);
}

function nullTensor(spec: BackboneSpec, name: string, batch: number): Tensor {
  const values = spec.nullCondition?.[name];
  const input = spec.condition.find((candidate) => candidate.name === name);
  assertArgument(
    { 'guidance.unconditional': undefined },
    `a tensor for ${name}, because ${spec.name} has no null condition of its own`,
    values && input,
  );
  const repeated = Array.from({ length: batch }, () => values).flat();
  return tensor(repeated, [batch, ...input.shape], input.dtype);
}
