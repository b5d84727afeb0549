import { UnsupportedError } from '@harmonica/core';
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { TRACE_ENGINE } from '../trace-backend.js';
import { arithmetic } from './elementwise.js';
import { input, type KernelCall, type KernelTable } from './kernel.js';
import { activate } from './matmul.js';
import { transpose } from './shapes.js';

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];

function convolution(call: KernelCall): TensorInfo {
  const { trace, attrs } = call;
  const [x, filter] = [input(call, 'x'), input(call, 'filter')];
  assertNhwc(attrs.dataFormat);
  const info = backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    attrs.strides,
    attrs.dilations,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  const { padInfo, strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  const inputs = [transpose(trace, x, TO_NCHW), transpose(trace, filter, [3, 2, 0, 1])];
  const result = trace.emit({
    op: 'Conv',
    inputs,
    shape: [info.batchSize, info.outChannels, info.outHeight, info.outWidth],
    attributes: {
      pads: { ints: [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right] },
      strides: { ints: [strideHeight, strideWidth] },
      dilations: { ints: [dilationHeight, dilationWidth] },
    },
  });
  return transpose(trace, result, TO_NHWC);
}

/** The derivative of a convolution by its input, which is also a transposed convolution. */
function convolutionInput(call: KernelCall): TensorInfo {
  const { trace, attrs } = call;
  const [dy, filter] = [input(call, 'dy'), input(call, 'filter')];
  assertNhwc(attrs.dataFormat);
  const info = backend_util.computeConv2DInfo(
    attrs.inputShape,
    filter.shape as [number, number, number, number],
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  const { padInfo, strideHeight, strideWidth, filterHeight, filterWidth } = info;
  const left = [
    info.inHeight -
      ((info.outHeight - 1) * strideHeight + filterHeight) +
      padInfo.top +
      padInfo.bottom,
    info.inWidth - ((info.outWidth - 1) * strideWidth + filterWidth) + padInfo.left + padInfo.right,
  ];
  const inputs = [transpose(trace, dy, TO_NCHW), transpose(trace, filter, [3, 2, 0, 1])];
  const result = trace.emit({
    op: 'ConvTranspose',
    inputs,
    shape: [info.batchSize, info.inChannels, info.inHeight, info.inWidth],
    attributes: {
      pads: { ints: [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right] },
      strides: { ints: [strideHeight, strideWidth] },
      output_padding: { ints: left },
    },
  });
  return transpose(trace, result, TO_NHWC);
}

function assertNhwc(format: string): void {
  if (format === 'NCHW') {
    throw new UnsupportedError({
      feature: 'conv2d in NCHW',
      engine: TRACE_ENGINE,
      fix: 'Use NHWC.',
    });
  }
}

/** Convolutions and resizing of NHWC images. */
export const imageKernels: KernelTable = {
  Conv2D: convolution,
  Conv2DBackpropInput: convolutionInput,

  FusedConv2D: (call) => {
    const { bias } = call.inputs;
    const result = convolution(call);
    return activate(call, bias ? arithmetic(call.trace).add(result, bias) : result);
  },

  ResizeNearestNeighbor: (call) => {
    const images = input(call, 'images');
    const { alignCorners, halfPixelCenters, size } = call.attrs;
    const [batch, , , channels] = images.shape as [number, number, number, number];
    const shape = [batch, size[0], size[1], channels];
    const mode = alignCorners ? 'align_corners' : halfPixelCenters ? 'half_pixel' : 'asymmetric';
    return call.trace.emit({
      op: 'Resize',
      inputs: [images, '', '', call.trace.graph.int64s(shape)],
      shape,
      attributes: {
        mode: { string: 'nearest' },
        coordinate_transformation_mode: { string: mode },
        nearest_mode: { string: mode === 'asymmetric' ? 'floor' : 'round_prefer_ceil' },
      },
    });
  },

  /** Sums the gradient over the pixels that one source pixel became. */
  ResizeNearestNeighborGrad: (call) => {
    const { trace, attrs } = call;
    const [dy, images] = [input(call, 'dy'), input(call, 'images')];
    const [batch, height, width, channels] = images.shape as [number, number, number, number];
    const [rows, columns] = [(dy.shape[1] as number) / height, (dy.shape[2] as number) / width];
    if (attrs.alignCorners || !Number.isInteger(rows) || !Number.isInteger(columns)) {
      const feature = 'the gradient of resizeNearestNeighbor except by whole factors';
      throw new UnsupportedError({ feature, engine: TRACE_ENGINE });
    }
    const tiles = trace.alias(dy, [batch, height, rows, width, columns, channels]);
    return trace.emit({
      op: 'ReduceSum',
      inputs: [tiles, trace.graph.int64s([2, 4])],
      shape: images.shape,
      attributes: { keepdims: { int: 0 } },
    });
  },
};
