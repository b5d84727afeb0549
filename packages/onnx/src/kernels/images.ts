import { UnsupportedError } from '@harmonica/core';
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { TRACE_ENGINE } from '../trace-backend.js';
import { arithmetic } from './elementwise.js';
import { input, type KernelCall, type KernelTable } from './kernel.js';
import { activate } from './matmul.js';
import { transpose } from './shapes.js';

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];

/** @param bias of each output channel */
function convolution(call: KernelCall, bias?: TensorInfo): TensorInfo {
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
  const { dilationHeight, dilationWidth } = info;
  const image = transpose(trace, x, TO_NCHW);
  const inputs = [image, transpose(trace, filter, [3, 2, 0, 1]), ...(bias ? [bias] : [])];
  const result = trace.emit({
    op: 'Conv',
    inputs,
    shape: [info.batchSize, info.outChannels, info.outHeight, info.outWidth],
    attributes: {
      ...windows(info),
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
      ...windows(info),
      output_padding: { ints: left },
    },
  });
  return transpose(trace, result, TO_NHWC);
}

/** How a window moves over an image. */
function windows({ padInfo, strideHeight, strideWidth }: backend_util.Conv2DInfo) {
  return {
    pads: { ints: [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right] },
    strides: { ints: [strideHeight, strideWidth] },
  };
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

interface ResizeAttributes {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** Where ONNX finds the pixels of a resized image in the image. */
function coordinates({ alignCorners, halfPixelCenters }: ResizeAttributes): string {
  if (alignCorners) return 'align_corners';
  return halfPixelCenters ? 'half_pixel' : 'asymmetric';
}

/** Averages leave padding out, as TensorFlow's do. */
function pooling(op: 'AveragePool' | 'MaxPool'): (call: KernelCall) => TensorInfo {
  return (call) => {
    const { trace, attrs } = call;
    const x = input(call, 'x');
    const { filterSize, strides, pad, dimRoundingMode } = attrs;
    const info = backend_util.computePool2DInfo(
      x.shape as [number, number, number, number],
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    const result = trace.emit({
      op,
      inputs: [transpose(trace, x, TO_NCHW)],
      shape: [info.batchSize, info.outChannels, info.outHeight, info.outWidth],
      attributes: {
        kernel_shape: { ints: [info.filterHeight, info.filterWidth] },
        ...windows(info),
      },
    });
    return transpose(trace, result, TO_NHWC);
  };
}

/** Convolutions, pooling and resizing of NHWC images. */
export const imageKernels: KernelTable = {
  AvgPool: pooling('AveragePool'),
  MaxPool: pooling('MaxPool'),
  Conv2D: (call) => convolution(call),
  Conv2DBackpropInput: convolutionInput,

  FusedConv2D: (call) => {
    const { bias } = call.inputs;
    const channels = input(call, 'filter').shape[3];
    const joined = bias?.shape.length === 1 && bias.shape[0] === channels ? bias : undefined;
    const result = convolution(call, joined);
    return activate(call, bias && !joined ? arithmetic(call.trace).add(result, bias) : result);
  },

  ResizeBilinear: (call) => {
    const { trace, attrs } = call;
    const images = input(call, 'images');
    const [batch, , , channels] = images.shape as [number, number, number, number];
    const shape = [batch, channels, attrs.size[0], attrs.size[1]];
    const result = trace.emit({
      op: 'Resize',
      inputs: [transpose(trace, images, TO_NCHW), '', '', trace.graph.int64s(shape)],
      shape,
      attributes: {
        mode: { string: 'linear' },
        coordinate_transformation_mode: { string: coordinates(attrs) },
      },
    });
    return transpose(trace, result, TO_NHWC);
  },

  ResizeNearestNeighbor: (call) => {
    const images = input(call, 'images');
    const { size } = call.attrs;
    const [batch, , , channels] = images.shape as [number, number, number, number];
    const shape = [batch, size[0], size[1], channels];
    const mode = coordinates(call.attrs);
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
