// Proof that tracing works: run tfjs functions (and their gradients) once under a recording backend, get an ONNX
// graph, run it on ONNX Runtime, compare values and times with tfjs-wasm. A sketch to learn from, not code to keep.
//   npm i @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0 onnxruntime-node@1.30.0 && node tfjs-to-onnx.mjs
import { createRequire } from 'node:module';
import path from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import ort from 'onnxruntime-node';
import tf from '/work/main/node_modules/.pnpm/@tensorflow+tfjs@4.22.0_seedrandom@3.0.5/node_modules/@tensorflow/tfjs/dist/tf.node.js';

const require = createRequire(import.meta.url);
setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + '/');

// --- the few protobuf fields of ONNX that are needed (a real package would use onnx-proto or protobufjs) ---
const varint = (n) => {
  const o = [];
  n = BigInt(n);
  if (n < 0n) n += 1n << 64n;
  while (n > 127n) {
    o.push(Number(n & 127n) | 128);
    n >>= 7n;
  }
  o.push(Number(n));
  return Buffer.from(o);
};
const cat = (...a) => Buffer.concat(a.flat(9));
const tag = (f, w) => varint(f * 8 + w),
  bytes = (f, b) => cat(tag(f, 2), varint(b.length), b),
  str = (f, s) => bytes(f, Buffer.from(s)),
  int = (f, n) => cat(tag(f, 0), varint(n));
const valueInfo = (name, dims) =>
  cat(
    str(1, name),
    bytes(2, bytes(1, cat(int(1, 1), bytes(2, cat(...dims.map((d) => bytes(1, int(1, d)))))))),
  );
const attribute = (n, v) =>
  Array.isArray(v)
    ? bytes(5, cat(str(1, n), ...v.map((x) => int(8, x)), int(20, 7)))
    : bytes(5, cat(str(1, n), int(3, v), int(20, 2)));

// --- the recording backend: a tensor is either known values or a name in the graph ---
let graph;
class TraceBackend extends tf.KernelBackend {
  constructor() {
    super();
    this.data = new tf.DataStorage(this, tf.engine());
  }
  floatPrecision() {
    return 32;
  }
  epsilon() {
    return 1e-7;
  }
  numDataIds() {
    return this.data.numDataIds();
  }
  write(values, shape, dtype) {
    const id = {};
    this.data.set(id, { values, shape, dtype, refs: 1 });
    return id;
  }
  move(id, values, shape, dtype, refs) {
    this.data.set(id, { values, shape, dtype, refs });
  }
  symbol(name, shape, dtype) {
    const id = {};
    this.data.set(id, { name, shape, dtype, refs: 1 });
    return id;
  }
  incRef(id) {
    this.data.get(id).refs++;
  }
  decRef(id) {
    this.data.get(id).refs--;
  }
  refCount(id) {
    return this.data.has(id) ? this.data.get(id).refs : 0;
  }
  disposeData() {
    return true;
  }
  readSync(id) {
    const t = this.data.get(id);
    if (t.values) return t.values;
    throw new Error('a value was read while tracing');
  }
  async read(id) {
    return this.readSync(id);
  }
  name(id) {
    const t = this.data.get(id);
    if (!t.name) {
      t.name = 'c' + graph.n++;
      const v = ArrayBuffer.isView(t.values) ? t.values : Float32Array.from(t.values);
      const type = t.dtype === 'int32' ? 6 : t.dtype === 'bool' ? 9 : 1;
      graph.inits.push(
        bytes(
          5,
          cat(
            ...t.shape.map((d) => int(1, d)),
            int(2, type),
            str(8, t.name),
            bytes(9, Buffer.from(v.buffer, v.byteOffset, v.byteLength)),
          ),
        ),
      );
    }
    return t.name;
  }
}
const backend = new TraceBackend();
tf.registerBackend('trace', () => backend);
const int64s = (a) => {
  const n = 's' + graph.n++;
  graph.inits.push(
    bytes(
      5,
      cat(
        int(1, a.length),
        int(2, 7),
        str(8, n),
        bytes(9, Buffer.from(new BigInt64Array(a.map(BigInt)).buffer)),
      ),
    ),
  );
  return n;
};
const node = (op, ins, at = {}) => {
  const o = 't' + graph.n++;
  graph.nodes.push(
    bytes(
      1,
      cat(
        ...ins.map((s) => str(1, s)),
        str(2, o),
        str(4, op),
        ...Object.entries(at).map(([k, v]) => attribute(k, v)),
      ),
    ),
  );
  return o;
};
const out = (name, shape, dtype = 'float32') => ({
  dataId: backend.symbol(name, shape, dtype),
  shape,
  dtype,
});
const known = (value, shape) => ({
  dataId: backend.write(
    new Float32Array(tf.util.sizeFromShape(shape)).fill(value),
    shape,
    'float32',
  ),
  shape,
  dtype: 'float32',
});
const N = (t) => backend.name(t.dataId);
const kernel = (kernelName, kernelFunc) =>
  tf.registerKernel({ kernelName, backendName: 'trace', kernelFunc });
const broadcast = tf.backend_util.assertAndGetBroadcastShape;
for (const [k, o] of [
  ['Add', 'Add'],
  ['Sub', 'Sub'],
  ['Multiply', 'Mul'],
  ['RealDiv', 'Div'],
  ['Pow', 'Pow'],
])
  kernel(k, ({ inputs: { a, b } }) => out(node(o, [N(a), N(b)]), broadcast(a.shape, b.shape)));
for (const o of ['Tanh', 'Sigmoid', 'Exp', 'Sqrt', 'Neg', 'Reciprocal'])
  kernel(o, ({ inputs: { x } }) => out(node(o, [N(x)]), x.shape));
kernel('Square', ({ inputs: { x } }) => out(node('Mul', [N(x), N(x)]), x.shape));
kernel('Rsqrt', ({ inputs: { x } }) => out(node('Reciprocal', [node('Sqrt', [N(x)])]), x.shape));
kernel('Identity', ({ inputs: { x } }) => out(N(x), x.shape, x.dtype));
kernel('Cast', ({ inputs: { x }, attrs: { dtype } }) => out(N(x), x.shape, dtype));
kernel('BatchMatMul', ({ inputs: { a, b }, attrs: { transposeA, transposeB } }) => {
  const T = (t) => {
    const p = [...t.shape.keys()];
    const r = p.length;
    [p[r - 1], p[r - 2]] = [p[r - 2], p[r - 1]];
    return node('Transpose', [N(t)], { perm: p });
  };
  const m = transposeA ? a.shape.at(-1) : a.shape.at(-2),
    n = transposeB ? b.shape.at(-2) : b.shape.at(-1);
  return out(node('MatMul', [transposeA ? T(a) : N(a), transposeB ? T(b) : N(b)]), [
    ...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)),
    m,
    n,
  ]);
});
kernel('Reshape', ({ inputs: { x }, attrs: { shape } }) => {
  const s = tf.util.inferFromImplicitShape(shape, tf.util.sizeFromShape(x.shape));
  return out(node('Reshape', [N(x), int64s(s)]), s, x.dtype);
});
kernel('Transpose', ({ inputs: { x }, attrs: { perm } }) =>
  out(
    node('Transpose', [N(x)], { perm }),
    perm.map((i) => x.shape[i]),
  ),
);
kernel('Softmax', ({ inputs: { logits }, attrs: { dim } }) =>
  out(node('Softmax', [N(logits)], { axis: dim }), logits.shape),
);
for (const [k, o] of [
  ['Sum', 'ReduceSum'],
  ['Mean', 'ReduceMean'],
])
  kernel(k, ({ inputs: { x }, attrs: { axis, keepDims } }) => {
    const ax = tf.util.parseAxisParam(axis, x.shape);
    return out(
      node(o, [N(x), int64s(ax)], { keepdims: keepDims ? 1 : 0 }),
      keepDims
        ? x.shape.map((d, i) => (ax.includes(i) ? 1 : d))
        : x.shape.filter((_, i) => !ax.includes(i)),
    );
  });
kernel('Slice', ({ inputs: { x }, attrs: { begin, size } }) => {
  const [b, s] = tf.slice_util.parseSliceParams(x, begin, size);
  return out(node('Slice', [N(x), int64s(b), int64s(b.map((v, i) => v + s[i]))]), s);
});
kernel('PadV2', ({ inputs: { x }, attrs: { paddings } }) =>
  out(
    node('Pad', [N(x), int64s([...paddings.map((p) => p[0]), ...paddings.map((p) => p[1])])]),
    x.shape.map((d, i) => d + paddings[i][0] + paddings[i][1]),
  ),
);
kernel('Tile', ({ inputs: { x }, attrs: { reps } }) =>
  out(
    node('Tile', [N(x), int64s(reps)]),
    x.shape.map((d, i) => d * reps[i]),
  ),
);
kernel('Fill', ({ attrs: { shape, value } }) => known(value, shape));
kernel('ZerosLike', ({ inputs: { x } }) => known(0, x.shape));
kernel('OnesLike', ({ inputs: { x } }) => known(1, x.shape));

async function compile(fn, shapes, weights) {
  const previous = tf.getBackend(),
    values = weights.map((w) => w.dataSync());
  await tf.setBackend('trace');
  graph = { n: 0, nodes: [], inits: [] };
  const inputs = shapes.map((s, i) => tf.engine().makeTensorFromTensorInfo(out('in' + i, s)));
  const results = [fn(...inputs, ...weights.map((w, i) => tf.tensor(values[i], w.shape)))].flat();
  const names = results.map(N);
  const g = cat(
    ...graph.nodes,
    str(2, 'g'),
    ...graph.inits,
    ...shapes.map((s, i) => bytes(11, valueInfo('in' + i, s))),
    ...results.map((r, i) => bytes(12, valueInfo(names[i], r.shape))),
  );
  const nodes = graph.nodes.length;
  await tf.setBackend(previous);
  const session = await ort.InferenceSession.create(
    new Uint8Array(cat(int(1, 9), bytes(7, g), bytes(8, int(2, 20)))),
    { graphOptimizationLevel: 'all', logSeverityLevel: 3 },
  );
  console.log('traced', nodes, 'nodes');
  return async (...xs) => {
    const r = await session.run(
      Object.fromEntries(
        xs.map((x, i) => ['in' + i, new ort.Tensor('float32', x.dataSync(), x.shape)]),
      ),
    );
    return names.map((n, i) => tf.tensor(r[n].data, results[i].shape));
  };
}

// --- a DiT block's two branches, in plain tfjs ---
await tf.setBackend('wasm');
const [B, L, D, H] = [16, 64, 256, 4];
const linear = (x, w, b) =>
  tf.reshape(tf.add(tf.matMul(tf.reshape(x, [-1, w.shape[0]]), w), b), [
    ...x.shape.slice(0, -1),
    w.shape[1],
  ]);
const norm = (x) => {
  const c = tf.sub(x, tf.mean(x, -1, true));
  return tf.mul(c, tf.rsqrt(tf.add(tf.mean(tf.square(c), -1, true), 1e-6)));
};
const modulate = (x, scale, shift) => tf.add(tf.mul(norm(x), scale), shift);
const gelu = (x) =>
  tf.mul(
    tf.mul(x, 0.5),
    tf.add(1, tf.tanh(tf.mul(0.7978845608, tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x))))))),
  );
const attention = (x, scale, shift, wqkv, bqkv, wo, bo) => {
  const qkv = tf.transpose(
    tf.reshape(linear(modulate(x, scale, shift), wqkv, bqkv), [B, L, 3, H, D / H]),
    [2, 0, 3, 1, 4],
  );
  const [q, k, v] = [0, 1, 2].map((i) =>
    tf.reshape(tf.slice(qkv, [i, 0, 0, 0, 0], [1, B, H, L, D / H]), [B, H, L, D / H]),
  );
  const o = tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), (D / H) ** -0.5)), v);
  return linear(tf.reshape(tf.transpose(o, [0, 2, 1, 3]), [B, L, D]), wo, bo);
};
const mlp = (x, scale, shift, w1, b1, w2, b2) =>
  linear(gelu(linear(modulate(x, scale, shift), w1, b1)), w2, b2);

const random = (...s) => tf.randomNormal(s, 0, 0.05);
const x = tf.randomNormal([B, L, D]),
  scale = tf.randomNormal([B, 1, D]),
  shift = tf.randomNormal([B, 1, D]),
  dy = tf.randomNormal([B, L, D]);
const relative = (a, b) =>
  tf.tidy(() => tf.div(tf.norm(tf.sub(a, b)), tf.norm(b)).dataSync()[0]).toExponential(1);
const median = async (f) => {
  await f();
  const t = [];
  for (let i = 0; i < 7; i++) {
    const s = performance.now();
    await f();
    t.push(performance.now() - s);
  }
  return t.sort((a, b) => a - b)[3].toFixed(1) + ' ms';
};
for (const [name, f, w] of [
  ['attention', attention, [random(D, 3 * D), random(3 * D), random(D, D), random(D)]],
  ['mlp', mlp, [random(D, 4 * D), random(4 * D), random(4 * D, D), random(D)]],
]) {
  const vjp = (x, scale, shift, dy, ...w) => tf.grad((x) => f(x, scale, shift, ...w))(x, dy);
  const forward = await compile(f, [x.shape, scale.shape, shift.shape], w),
    backward = await compile(vjp, [x.shape, scale.shape, shift.shape, dy.shape], w);
  const [y] = await forward(x, scale, shift),
    [g] = await backward(x, scale, shift, dy);
  console.log(
    name,
    'relative error: forward',
    relative(
      y,
      tf.tidy(() => f(x, scale, shift, ...w)),
    ),
    'vjp',
    relative(
      g,
      tf.tidy(() => vjp(x, scale, shift, dy, ...w)),
    ),
  );
  console.log(
    name,
    'forward: onnxruntime',
    await median(() => forward(x, scale, shift)),
    'tfjs-wasm',
    await median(() => tf.tidy(() => f(x, scale, shift, ...w)).data()),
  );
  console.log(
    name,
    'vjp:     onnxruntime',
    await median(() => backward(x, scale, shift, dy)),
    'tfjs-wasm',
    await median(() => tf.tidy(() => vjp(x, scale, shift, dy, ...w)).data()),
  );
}
process.exit(0);
