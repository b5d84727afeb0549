import {
  type GraphArray,
  type GraphAttribute,
  type GraphConstant,
  type GraphDType,
  type GraphNode,
  type GraphOutput,
  type GraphValue,
  type GraphWeight,
  sameShape,
  type TracedGraph,
} from './graph.js';

/** What a new node computes. `domain` is the ONNX standard's unless given. */
interface NodeOptions {
  readonly op: string;
  readonly domain?: GraphNode['domain'];
  readonly inputs: readonly string[];
  readonly shape: readonly number[];
  /** Default `float32`. */
  readonly dtype?: GraphDType;
  readonly attributes?: Readonly<Record<string, GraphAttribute>>;
}

/** Several results of one node, in order. */
interface MultiNodeOptions extends Omit<NodeOptions, 'shape' | 'dtype'> {
  readonly results: readonly { readonly shape: readonly number[]; readonly dtype?: GraphDType }[];
}

/** Collects the parts of a graph. Equal small constants are stored once. */
export class GraphBuilder {
  readonly #values = new Map<string, GraphValue>();
  readonly #inputs: GraphValue[] = [];
  readonly #constants = new Map<string, GraphConstant>();
  readonly #weights = new Map<object, GraphWeight>();
  readonly #nodes: GraphNode[] = [];
  #count = 0;
  /** Put before the names of new values, to tell where they belong. */
  scope = '';

  /** A builder that goes on where `graph` ends, with all its values at hand. */
  static from(graph: TracedGraph): GraphBuilder {
    const builder = new GraphBuilder();
    builder.#inputs.push(...graph.inputs);
    builder.#nodes.push(...graph.nodes);
    for (const [name, value] of graph.values) builder.#values.set(name, value);
    for (const constant of graph.constants) {
      builder.#constants.set(keyOf(constant), builder.#declare(constant));
    }
    for (const weight of graph.weights) builder.#weights.set(weight.dataId, weight);
    return builder;
  }

  /** The elements of a constant, or undefined if the value is none. */
  constantValues(name: string): GraphArray | undefined {
    const value = this.#values.get(name);
    return value && 'values' in value ? (value as GraphConstant).values : undefined;
  }

  /** The nodes added so far, from the given position on. */
  nodesFrom(start: number): readonly GraphNode[] {
    return this.#nodes.slice(start);
  }

  /** Whether there is a value of this name. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  value(name: string): GraphValue {
    return this.#values.get(name) as GraphValue;
  }

  shape(name: string): readonly number[] {
    return this.value(name).shape;
  }

  input(value: GraphValue): string {
    this.#inputs.push(this.#declare(value));
    return value.name;
  }

  /** @param dataId the storage of the tensor; the same storage gives the same weight */
  weight(dataId: object, shape: readonly number[], dtype: GraphDType): string {
    const known = this.#weights.get(dataId);
    if (known) return this.reshape(known.name, shape);
    const weight = { name: this.#fresh('weight'), shape: [...shape], dtype, dataId };
    this.#declare(weight);
    this.#weights.set(dataId, weight);
    return weight.name;
  }

  constant(values: GraphArray, shape: readonly number[], dtype: GraphDType): string {
    const constant = { name: this.#fresh('constant'), shape: [...shape], dtype, values };
    const key = keyOf(constant);
    const known = this.#constants.get(key);
    if (known) return known.name;
    this.#declare(constant);
    this.#constants.set(key, constant);
    return constant.name;
  }

  /** A float32 constant without dimensions. */
  scalar(value: number): string {
    return this.constant(Float32Array.of(value), [], 'float32');
  }

  /** A vector of shapes, axes or indices. */
  int64s(values: readonly number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
  }

  /** Adds a node of another graph whose values have been declared. */
  append(node: GraphNode): void {
    this.#nodes.push(node);
  }

  node(options: NodeOptions): string {
    const { shape, dtype = 'float32', ...rest } = options;
    return this.nodes({ ...rest, results: [{ shape, dtype }] })[0] as string;
  }

  nodes({ op, domain = '', inputs, attributes = {}, results }: MultiNodeOptions): string[] {
    const outputs = results.map(({ shape, dtype = 'float32' }) => {
      return this.#declare({ name: this.#fresh(op), shape: [...shape], dtype }).name;
    });
    this.#nodes.push({ op, domain, inputs, outputs, attributes });
    return outputs;
  }

  /** The same elements under another shape. */
  reshape(name: string, shape: readonly number[]): string {
    const { shape: current, dtype } = this.value(name);
    if (sameShape(current, shape)) return name;
    return this.node({ op: 'Reshape', inputs: [name, this.int64s(shape)], shape, dtype });
  }

  /** The graph so far, with the given results; `outputs` maps their names to values. */
  build(outputs: Readonly<Record<string, string>>): TracedGraph {
    return {
      inputs: [...this.#inputs],
      weights: [...this.#weights.values()],
      constants: [...this.#constants.values()],
      nodes: [...this.#nodes],
      outputs: Object.entries(outputs).map(([name, value]): GraphOutput => {
        const { shape, dtype } = this.value(value);
        return { name, value, shape, dtype };
      }),
      values: new Map(this.#values),
    };
  }

  #declare<T extends GraphValue>(value: T): T {
    this.#values.set(value.name, value);
    return value;
  }

  #fresh(prefix: string): string {
    const place = this.scope ? `${this.scope}/` : '';
    let name: string;
    do name = `${place}${prefix}_${this.#count++}`;
    while (this.#values.has(name));
    return name;
  }
}

/** Constants up to this many elements are compared by content. */
const SMALL = 64;

/** Equal for equal small or uniform constants; `name` tells the others apart. */
function keyOf({ name, values, shape, dtype }: GraphConstant): string {
  const content = isUniform(values)
    ? bitsOf(values.subarray(0, 1))
    : values.length <= SMALL
      ? bitsOf(values)
      : name;
  return `${dtype}[${shape}]${content}`;
}

function isUniform(values: GraphArray): boolean {
  for (let i = 1; i < values.length; i++) if (!Object.is(values[i], values[0])) return false;
  return true;
}

/** Tells -0 from 0, and keeps NaN equal to itself. */
function bitsOf(values: GraphArray): string {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).join();
}
