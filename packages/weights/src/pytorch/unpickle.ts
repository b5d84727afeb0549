import { CheckpointError } from '@harmonica/core';
import { ByteCursor } from '../byte-cursor.js';

/** What a pickle may refer to. */
interface PickleContext {
  /** For error messages. */
  readonly path: string;
  /** Every Python object whose meaning is known, by module and name. Any other becomes a {@link ForeignObject}. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** What a persistent id stands for. Without it persistent ids are refused. */
  readonly loadPersistent?: (id: unknown) => unknown;
  readonly limits?: PickleLimits;
}

/** What to unpickle, and what the pickle may refer to. */
type UnpickleOptions = PickleContext & { readonly bytes: Uint8Array };

/**
 * Rebuilds the object of a pickle (protocols 2 to 5) without running anything: lists and tuples become arrays, dicts
 * `Map`, sets `Set`, integers from 2^53 on `bigint`, bytes `Uint8Array`, and objects what `globals` make of them. An object
 * that `globals` does not know becomes a {@link ForeignObject}, whatever the pickle calls, appends or sets on it.
 *
 * @throws {@link CheckpointError} if the pickle is damaged or exceeds the limits
 */
export function unpickle({ bytes, ...context }: UnpickleOptions): unknown {
  return unpickleNext({ ...context, cursor: new ByteCursor({ path: context.path, bytes }) });
}

/**
 * {@link unpickle} of one of several pickles: begins at a cursor and leaves it behind the pickle.
 *
 * @throws {@link CheckpointError} as {@link unpickle}
 */
export function unpickleNext(options: PickleContext & { readonly cursor: ByteCursor }): unknown {
  const { path, cursor, limits = defaultPickleLimits } = options;
  const machine = new PickleMachine({ path, limits });
  const context: Context = { ...options, machine };
  for (;;) {
    const code = cursor.uint8();
    if (code === STOP) return machine.pop();
    machine.count({ operations: 1 });
    const run = instructions[code];
    if (!run) throw unknownInstruction({ machine, code, position: cursor.position - 1 });
    run(context);
  }
}

interface Context extends PickleContext {
  readonly cursor: ByteCursor;
  readonly machine: PickleMachine;
}

const STOP = 0x2e;

/** Longer integers are no numbers that a checkpoint holds, and are slow to convert. */
const MAX_INTEGER_BYTES = 255;

/** Longer names of Python objects are cut; they stand in messages only. */
const MAX_NAME_CHARACTERS = 200;

function unknownInstruction(options: {
  machine: PickleMachine;
  code: number;
  position: number;
}): CheckpointError {
  const { machine, code, position } = options;
  const byte = code.toString(16).padStart(2, '0');
  return machine.fault(`has instruction 0x${byte} at byte ${position}, which is not supported`);
}

/** By instruction code, as in CPython's `pickletools`. */
const instructions: Readonly<Record<number, (context: Context) => void>> = {
  128: ({ cursor, machine }) => checkProtocol(machine, cursor.uint8()), // PROTO
  149: ({ cursor }) => void cursor.take(8), // FRAME, only a hint for reading ahead

  // Constants
  78: ({ machine }) => machine.push(null), // NONE
  136: ({ machine }) => machine.push(true), // NEWTRUE
  137: ({ machine }) => machine.push(false), // NEWFALSE
  74: ({ cursor, machine }) => machine.push(cursor.int32()), // BININT
  75: ({ cursor, machine }) => machine.push(cursor.uint8()), // BININT1
  77: ({ cursor, machine }) => machine.push(cursor.uint16()), // BININT2
  138: (context) => pushInteger(context, context.cursor.uint8()), // LONG1
  139: (context) => pushInteger(context, context.cursor.uint32()), // LONG4
  71: ({ cursor, machine }) => machine.push(cursor.float64()), // BINFLOAT
  85: (context) => pushText(context, context.cursor.uint8()), // SHORT_BINSTRING, of Python 2
  84: (context) => pushText(context, context.cursor.uint32()), // BINSTRING, of Python 2
  140: (context) => pushText(context, context.cursor.uint8()), // SHORT_BINUNICODE
  88: (context) => pushText(context, context.cursor.uint32()), // BINUNICODE
  141: (context) => pushText(context, context.cursor.uint64()), // BINUNICODE8
  67: (context) => pushBytes(context, context.cursor.uint8()), // SHORT_BINBYTES
  66: (context) => pushBytes(context, context.cursor.uint32()), // BINBYTES
  142: (context) => pushBytes(context, context.cursor.uint64()), // BINBYTES8
  150: (context) => pushBytes(context, context.cursor.uint64()), // BYTEARRAY8

  // Containers
  41: ({ machine }) => pushTuple(machine, 0), // EMPTY_TUPLE
  133: ({ machine }) => pushTuple(machine, 1), // TUPLE1
  134: ({ machine }) => pushTuple(machine, 2), // TUPLE2
  135: ({ machine }) => pushTuple(machine, 3), // TUPLE3
  116: ({ machine }) => pushList(machine, machine.popToMark()), // TUPLE
  93: ({ machine }) => pushList(machine, []), // EMPTY_LIST
  108: ({ machine }) => pushList(machine, machine.popToMark()), // LIST
  97: ({ machine }) => append(machine, [machine.pop()]), // APPEND
  101: ({ machine }) => append(machine, machine.popToMark()), // APPENDS
  125: ({ machine }) => pushDict(machine, []), // EMPTY_DICT
  100: ({ machine }) => pushDict(machine, machine.popToMark()), // DICT
  115: ({ machine }) => setItems(machine, [machine.pop(), machine.pop()].reverse()), // SETITEM
  117: ({ machine }) => setItems(machine, machine.popToMark()), // SETITEMS
  143: ({ machine }) => pushSet(machine, []), // EMPTY_SET
  144: ({ machine }) => addItems(machine, machine.popToMark()), // ADDITEMS
  145: ({ machine }) => pushSet(machine, machine.popToMark()), // FROZENSET

  // Stack and memo
  40: ({ machine }) => machine.mark(), // MARK
  48: ({ machine }) => machine.drop(), // POP
  49: ({ machine }) => void machine.popToMark(), // POP_MARK
  50: ({ machine }) => machine.push(machine.top()), // DUP
  113: ({ cursor, machine }) => machine.memoize(cursor.uint8()), // BINPUT
  114: ({ cursor, machine }) => machine.memoize(cursor.uint32()), // LONG_BINPUT
  148: ({ machine }) => machine.memoize(), // MEMOIZE
  104: ({ cursor, machine }) => machine.recall(cursor.uint8()), // BINGET
  106: ({ cursor, machine }) => machine.recall(cursor.uint32()), // LONG_BINGET

  // Objects
  99: (context) => pushGlobal(context, context.cursor.line(), context.cursor.line()), // GLOBAL
  105: (context) => pushInstance(context, context.cursor.line(), context.cursor.line()), // INST
  111: ({ machine }) => pushObject(machine, machine.popToMark()), // OBJ
  147: (context) => pushStackGlobal(context), // STACK_GLOBAL
  82: ({ machine }) => call(machine), // REDUCE
  129: ({ machine }) => call(machine), // NEWOBJ
  146: ({ machine }) => callWithKeywords(machine), // NEWOBJ_EX
  98: ({ machine }) => restoreState(machine), // BUILD
  81: (context) => pushPersistent(context), // BINPERSID
};

function checkProtocol(machine: PickleMachine, protocol: number): void {
  if (protocol < 2 || protocol > 5) {
    throw machine.fault(`is of protocol ${protocol}; expected 2 to 5`);
  }
}

/** Little-endian two's complement of any length. */
function pushInteger({ cursor, machine }: Context, length: number): void {
  if (length > MAX_INTEGER_BYTES) throw machine.fault(`has an integer of ${length} bytes`);
  const digits = Array.from(cursor.take(length), (byte) => byte.toString(16).padStart(2, '0'));
  const unsigned = BigInt(`0x${digits.reverse().join('') || '0'}`);
  const value = BigInt.asIntN(8 * length, unsigned);
  machine.push(Number.isSafeInteger(Number(value)) ? Number(value) : value);
}

function pushText({ cursor, machine }: Context, length: number): void {
  machine.push(cursor.text(length));
  machine.count({ bytes: BYTES.text + 2 * length });
}

function pushBytes({ cursor, machine }: Context, length: number): void {
  machine.push(new Uint8Array(cursor.take(length)));
  machine.count({ bytes: BYTES.array + length });
}

function pushTuple(machine: PickleMachine, length: number): void {
  const items: unknown[] = [];
  for (let i = 0; i < length; i++) items.unshift(machine.pop());
  pushList(machine, items);
}

function pushList(machine: PickleMachine, items: unknown[]): void {
  machine.count({ bytes: BYTES.list + BYTES.item * items.length });
  machine.push(items);
}

function append(machine: PickleMachine, items: readonly unknown[]): void {
  const list = machine.top();
  if (list instanceof ForeignObject) return;
  if (!Array.isArray(list)) throw machine.fault('appends to what is no list');
  machine.count({ bytes: BYTES.item * items.length });
  for (const item of items) list.push(item);
}

function pushDict(machine: PickleMachine, items: readonly unknown[]): void {
  machine.count({ bytes: BYTES.dict });
  machine.push(new Map());
  setItems(machine, items);
}

/** Keys and values alternate in `items`. */
function setItems(machine: PickleMachine, items: readonly unknown[]): void {
  const dict = machine.top();
  if (items.length % 2 !== 0) throw machine.fault('has a key without a value');
  if (dict instanceof ForeignObject) return;
  if (!(dict instanceof Map)) throw machine.fault('sets an item of what is no dict');
  machine.count({ bytes: BYTES.entry * (items.length / 2) });
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
}

function pushSet(machine: PickleMachine, items: readonly unknown[]): void {
  machine.count({ bytes: BYTES.dict });
  machine.push(new Set());
  addItems(machine, items);
}

function addItems(machine: PickleMachine, items: readonly unknown[]): void {
  const set = machine.top();
  if (set instanceof ForeignObject) return;
  if (!(set instanceof Set)) throw machine.fault('adds to what is no set');
  machine.count({ bytes: BYTES.entry * items.length });
  for (const item of items) set.add(item);
}

function pushStackGlobal(context: Context): void {
  const { machine } = context;
  const name = machine.asText(machine.pop());
  const module = machine.asText(machine.pop());
  pushGlobal(context, module, name);
}

function pushGlobal(context: Context, module: string, name: string): void {
  context.machine.push(findGlobal(context, module, name));
}

function pushInstance(context: Context, module: string, name: string): void {
  const { machine } = context;
  machine.push(machine.call(findGlobal(context, module, name), machine.popToMark()));
}

function pushObject(machine: PickleMachine, [callee, ...args]: readonly unknown[]): void {
  machine.push(machine.call(callee, args));
}

/** The one place where a Python object comes in by name. */
function findGlobal(context: Context, module: string, name: string): PickleGlobal | ForeignObject {
  const fullName = `${module}.${name}`;
  const global = context.globals.get(fullName);
  if (global) return global;
  context.machine.count({ bytes: BYTES.object + 2 * fullName.length });
  return new ForeignObject(fullName.slice(0, MAX_NAME_CHARACTERS));
}

function call(machine: PickleMachine): void {
  const args = machine.pop();
  const callee = machine.pop();
  machine.push(machine.call(callee, args));
}

/** No known object is made of keywords. */
function callWithKeywords(machine: PickleMachine): void {
  const keywords = machine.pop();
  const args = machine.pop();
  const callee = machine.pop();
  const plain = keywords instanceof Map && keywords.size === 0;
  if (plain || callee instanceof ForeignObject) machine.push(machine.call(callee, args));
  else throw machine.fault('calls with keywords what takes none');
}

function restoreState(machine: PickleMachine): void {
  const state = machine.pop();
  machine.setState(machine.top(), state);
}

function pushPersistent({ machine, loadPersistent }: Context): void {
  if (!loadPersistent) throw machine.fault('has a persistent id, which is not due here');
  machine.count({ bytes: BYTES.object });
  machine.push(loadPersistent(machine.pop()));
}

/**
 * A Python object, class or function of which nothing is known but the name of its class, or its own. Nothing is made of it and
 * nothing runs: a call of it gives one of its name, and what a pickle puts into it is dropped.
 */
export class ForeignObject {
  /** Module and name, such as `numpy.core.multiarray.scalar`. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a Python class or function does here. */
interface PickleBehaviour {
  /** What calling it gives. Without it the object can only be referred to. */
  readonly call?: (args: readonly unknown[]) => unknown;
  /** What restoring attributes of an object that `call` made does. Without it that is refused. */
  readonly setState?: (object: unknown, state: unknown) => void;
}

/** A Python class or function that a pickle may refer to by name, known to be harmless. */
export class PickleGlobal {
  /** Module and name, such as `collections.OrderedDict`. */
  readonly name: string;
  readonly call: PickleBehaviour['call'];
  readonly setState: PickleBehaviour['setState'];

  constructor(options: PickleBehaviour & { name: string }) {
    this.name = options.name;
    this.call = options.call;
    this.setState = options.setState;
  }
}

/** Bounds on what a pickle may ask for; a checkpoint of some ten thousand tensors stays below them. */
interface PickleLimits {
  /** Values on the stack at a time. */
  readonly stack: number;
  /** Values kept for later reference. */
  readonly memo: number;
  /** Instructions, and items that they copy, in all. */
  readonly operations: number;
  /** Memory of what was made, as {@link BYTES} estimates it, in all. */
  readonly bytes: number;
}

const defaultPickleLimits: PickleLimits = {
  stack: 2 ** 20,
  memo: 2 ** 20,
  operations: 2 ** 22,
  bytes: 2 ** 27,
};

/** What each limit counts, for messages. */
const LIMITED: Readonly<Record<keyof PickleLimits, string>> = {
  stack: 'values on its stack',
  memo: 'values kept for reference',
  operations: 'instructions and copied items',
  bytes: 'bytes of memory',
};

/** About what V8 takes for a value besides its content, and for each item of a list or entry of a dict or set. */
const BYTES = { text: 24, array: 200, list: 64, dict: 200, object: 100, item: 12, entry: 56 };

/** Stack, marks and memo of the pickle virtual machine (PEP 307, PEP 3154), with bounds. */
class PickleMachine {
  readonly path: string;
  readonly #limits: PickleLimits;
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  /** Who made an object, for those whose attributes may be restored. */
  readonly #makers = new WeakMap<object, PickleGlobal>();
  #operations = 0;
  #bytes = 0;

  constructor(options: { path: string; limits: PickleLimits }) {
    this.path = options.path;
    this.#limits = options.limits;
  }

  /** Counts work or memory that an instruction is about to take. */
  count({ operations = 0, bytes = 0 }: { operations?: number; bytes?: number }): void {
    this.#operations += operations;
    this.#bytes += bytes;
    this.#limit('operations', this.#operations);
    this.#limit('bytes', this.#bytes);
  }

  push(value: unknown): void {
    this.#stack.push(value);
    this.#limit('stack', this.#stack.length);
  }

  pop(): unknown {
    const value = this.top();
    this.#stack.length--;
    return value;
  }

  top(): unknown {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length <= floor) throw this.fault('takes a value from an empty stack');
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
    this.#limit('stack', this.#marks.length);
  }

  /** Values above the last mark, in order; removes both. */
  popToMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.fault('has no mark where one is due');
    this.count({ operations: this.#stack.length - mark });
    return this.#stack.splice(mark);
  }

  /** Drops the top value, or the last mark if nothing is above it. */
  drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  /** Keeps the top value under an index, by default the next one. */
  memoize(index = this.#memo.size): void {
    this.count({ bytes: BYTES.entry });
    this.#memo.set(index, this.top());
    this.#limit('memo', this.#memo.size);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.fault(`refers to value ${index}, which it never kept`);
    this.push(this.#memo.get(index));
  }

  /** Calls a global with a tuple of arguments. Whatever a foreign object takes part in is foreign. */
  call(callee: unknown, args: unknown): unknown {
    if (callee instanceof ForeignObject) return callee;
    if (!(callee instanceof PickleGlobal && callee.call && Array.isArray(args))) {
      throw this.fault('calls what is no function');
    }
    this.#countCopies([args, ...args]);
    const foreign = args.find((value) => value instanceof ForeignObject);
    if (foreign) return foreign;
    const result = callee.call(args);
    if (callee.setState && typeof result === 'object' && result !== null) {
      this.#makers.set(result, callee);
    }
    return result;
  }

  /** Restores attributes of an object. */
  setState(object: unknown, state: unknown): void {
    if (object instanceof ForeignObject) return;
    const maker = typeof object === 'object' && object ? this.#makers.get(object) : undefined;
    if (!maker?.setState) throw this.fault('sets attributes of an object that has none');
    this.#countCopies([state]);
    maker.setState(object, state);
  }

  asText(value: unknown): string {
    if (typeof value === 'string') return value;
    throw this.fault('has another value where a name is due');
  }

  fault(problem: string): CheckpointError {
    return new CheckpointError({
      path: this.path,
      problem: `the pickle ${problem}`,
      fix: 'The file is damaged or not a PyTorch checkpoint; get it again.',
    });
  }

  /** Whoever gets these values may copy each item and make an entry of it. */
  #countCopies(values: readonly unknown[]): void {
    const items = values.reduce((sum: number, value) => sum + lengthOf(value), 0);
    this.count({ operations: items, bytes: BYTES.object + BYTES.entry * items });
  }

  #limit(what: keyof PickleLimits, count: number): void {
    const limit = this.#limits[what];
    if (count <= limit) return;
    throw new CheckpointError({
      path: this.path,
      problem: `the pickle needs more than ${limit} ${LIMITED[what]}`,
      fix: 'No ordinary checkpoint does; do not trust this file.',
    });
  }
}

function lengthOf(value: unknown): number {
  if (Array.isArray(value) || typeof value === 'string') return value.length;
  return value instanceof Map || value instanceof Set ? value.size : 0;
}
