import { UnsupportedError } from '@harmonica/core';
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { TRACE_ENGINE } from '../trace-backend.js';
import { arithmetic } from './elementwise.js';
import { input, type KernelCall, type KernelTable } from './kernel.js';
import { activate } from './matmul.js';
import { transpose } from './shapes.js';

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];
/** Of a filter, from TensorFlow's height, width, inputs and outputs. */
const TO_OIHW = [3, 2, 0, 1];

type Shape4D = [number, number, number, number];

/** @param bias of each output channel */
function convolution(call: KernelCall, bias?: TensorInfo): TensorInfo {
  const { trace, attrs } = call;
  const [x, filter] = [input(call, 'x'), input(call, 'filter')];
  const info = convolutionInfo(call, x.shape, attrs.dilations);
  const image = transpose(trace, x, TO_NCHW);
  const result = trace.emit({
    op: 'Conv',
    inputs: [image, transpose(trace, filter, TO_OIHW), ...(bias ? [bias] : [])],
    shape: outputShape(info),
    attributes: {
      ...windows(info),
      dilations: { ints: [info.dilationHeight, info.dilationWidth] },
    },
  });
  return transpose(trace, result, TO_NHWC);
}

/** The derivative of a convolution by its input, which is also a transposed convolution. */
function convolutionInput(call: KernelCall): TensorInfo {
  const { trace, attrs } = call;
  const [dy, filter] = [input(call, 'dy'), input(call, 'filter')];
  const info = convolutionInfo(call, attrs.inputShape, 1);
  const { padInfo, strideHeight, strideWidth, filterHeight, filterWidth } = info;
  const covered = [
    (info.outHeight - 1) * strideHeight + filterHeight - padInfo.top - padInfo.bottom,
    (info.outWidth - 1) * strideWidth + filterWidth - padInfo.left - padInfo.right,
  ] as const;
  const image = transpose(trace, dy, TO_NCHW);
  const result = trace.emit({
    op: 'ConvTranspose',
    inputs: [image, transpose(trace, filter, TO_OIHW)],
    shape: [info.batchSize, info.inChannels, info.inHeight, info.inWidth],
    attributes: {
      ...windows(info),
      output_padding: { ints: [info.inHeight - covered[0], info.inWidth - covered[1]] },
    },
  });
  return transpose(trace, result, TO_NHWC);
}

function convolutionInfo(
  call: KernelCall,
  shape: readonly number[],
  dilations: number | [number, number],
): backend_util.Conv2DInfo {
  const { dataFormat, strides, pad, dimRoundingMode } = call.attrs;
  if (dataFormat === 'NCHW') {
    const feature = 'conv2d in NCHW';
    throw new UnsupportedError({ feature, engine: TRACE_ENGINE, fix: 'Use NHWC.' });
  }
  const [image, filter] = [shape, input(call, 'filter').shape] as [Shape4D, Shape4D];
  return backend_util.computeConv2DInfo(image, filter, strides, dilations, pad, dimRoundingMode);
}

/** Of the result, in NCHW. */
function outputShape(info: backend_util.Conv2DInfo): number[] {
  return [info.batchSize, info.outChannels, info.outHeight, info.outWidth];
}

/** How a window moves over an image. */
function windows({ padInfo, strideHeight, strideWidth }: backend_util.Conv2DInfo) {
  return {
    pads: { ints: [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right] },
    strides: { ints: [strideHeight, strideWidth] },
  };
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
    const shape = x.shape as Shape4D;
    const info = backend_util.computePool2DInfo(
      shape,
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    const result = trace.emit({
      op,
      inputs: [transpose(trace, x, TO_NCHW)],
      shape: outputShape(info),
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
    const [batch, , , channels] = images.shape as Shape4D;
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
    const [batch, , , channels] = images.shape as Shape4D;
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
    const [batch, height, width, channels] = images.shape as Shape4D;
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
