import { sameShape } from '../graph.js';
import { graphOps, intAttribute } from '../graph-ops.js';
import type { GraphView, RewriteRule } from '../rewrite-graph.js';
import { permutation } from './identities.js';

const TO_NHWC = [0, 2, 3, 1];

/** The NCHW image of which a value is the NHWC form. */
function channelsFirst(name: string, view: GraphView): string | undefined {
  const transpose = view.producer(name, 'Transpose');
  return transpose && sameShape(permutation(transpose.attributes), TO_NHWC)
    ? transpose.inputs[0]
    : undefined;
}

/** An activation between convolutions stays in NCHW. */
const activation: RewriteRule = ({ op, inputs: [x = ''] }, view) => {
  const image = op === 'Relu' ? channelsFirst(x, view) : undefined;
  if (image === undefined) return undefined;
  const { unary, transpose } = graphOps(view.builder);
  return [transpose(unary(op, image), TO_NHWC)];
};

/** Images that are joined between convolutions stay in NCHW. */
const concatenation: RewriteRule = (node, view) => {
  const { op, inputs, outputs } = node;
  if (op !== 'Concat') return undefined;
  const images = inputs.map((name) => channelsFirst(name, view));
  const { shape, dtype } = view.builder.value(outputs[0] as string);
  if (!images.every((image) => image !== undefined) || dtype !== 'float32') return undefined;
  const [batch = 0, height = 0, width = 0, channels = 0] = shape;
  const result = view.builder.node({
    op,
    inputs: images,
    shape: [batch, channels, height, width],
    attributes: { axis: { int: TO_NHWC[intAttribute(node, 'axis') ?? 0] as number } },
  });
  return [graphOps(view.builder).transpose(result, TO_NHWC)];
};

/** Rules that keep images in the layout of ONNX's convolutions where nothing needs another. */
export const channelsFirstRules: readonly RewriteRule[] = [activation, concatenation];
