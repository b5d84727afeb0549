import { CheckpointError } from '@harmonica/core';
import { ByteCursor } from '../byte-cursor.js';

/** What a pickle may refer to. */
interface PickleContext {
  /** For error messages. */
  readonly path: string;
  /** Every Python object that may be referred to, by module and name. Any other is refused. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** What a persistent id stands for. Without it persistent ids are refused. */
  readonly loadPersistent?: (id: unknown) => unknown;
  readonly limits?: PickleLimits;
}

/** What to unpickle, and what the pickle may refer to. */
type UnpickleOptions = PickleContext & { readonly bytes: Uint8Array };

/**
 * Rebuilds the object of a pickle (protocols 2 to 5) without running anything: lists and tuples become arrays, dicts
 * `Map`, sets `Set`, integers from 2^53 on `bigint`, bytes `Uint8Array`, and objects what `globals` make of them.
 *
 * @throws {@link CheckpointError} if the pickle is damaged, refers to anything else, or exceeds the limits
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
    machine.countOperation();
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
  85: ({ cursor, machine }) => machine.push(cursor.text(cursor.uint8())), // SHORT_BINSTRING, of Python 2
  84: ({ cursor, machine }) => machine.push(cursor.text(cursor.uint32())), // BINSTRING, of Python 2
  140: ({ cursor, machine }) => machine.push(cursor.text(cursor.uint8())), // SHORT_BINUNICODE
  88: ({ cursor, machine }) => machine.push(cursor.text(cursor.uint32())), // BINUNICODE
  141: ({ cursor, machine }) => machine.push(cursor.text(cursor.uint64())), // BINUNICODE8
  67: (context) => pushBytes(context, context.cursor.uint8()), // SHORT_BINBYTES
  66: (context) => pushBytes(context, context.cursor.uint32()), // BINBYTES
  142: (context) => pushBytes(context, context.cursor.uint64()), // BINBYTES8

  // Containers
  41: ({ machine }) => machine.push([]), // EMPTY_TUPLE
  133: ({ machine }) => pushTuple(machine, 1), // TUPLE1
  134: ({ machine }) => pushTuple(machine, 2), // TUPLE2
  135: ({ machine }) => pushTuple(machine, 3), // TUPLE3
  116: ({ machine }) => machine.push(machine.popToMark()), // TUPLE
  93: ({ machine }) => machine.push([]), // EMPTY_LIST
  108: ({ machine }) => machine.push(machine.popToMark()), // LIST
  97: ({ machine }) => append(machine, [machine.pop()]), // APPEND
  101: ({ machine }) => append(machine, machine.popToMark()), // APPENDS
  125: ({ machine }) => machine.push(new Map()), // EMPTY_DICT
  100: ({ machine }) => pushDict(machine, machine.popToMark()), // DICT
  115: ({ machine }) => setItems(machine, [machine.pop(), machine.pop()].reverse()), // SETITEM
  117: ({ machine }) => setItems(machine, machine.popToMark()), // SETITEMS
  143: ({ machine }) => machine.push(new Set()), // EMPTY_SET
  144: ({ machine }) => addItems(machine, machine.popToMark()), // ADDITEMS
  145: ({ machine }) => machine.push(new Set(machine.popToMark())), // FROZENSET

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
  147: (context) => pushStackGlobal(context), // STACK_GLOBAL
  82: ({ machine }) => call(machine), // REDUCE
  129: ({ machine }) => call(machine), // NEWOBJ
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

function pushBytes({ cursor, machine }: Context, length: number): void {
  machine.push(new Uint8Array(cursor.take(length)));
}

function pushTuple(machine: PickleMachine, length: number): void {
  const items: unknown[] = [];
  for (let i = 0; i < length; i++) items.unshift(machine.pop());
  machine.push(items);
}

function append(machine: PickleMachine, items: readonly unknown[]): void {
  const list = machine.asList(machine.top());
  for (const item of items) list.push(item);
}

function pushDict(machine: PickleMachine, items: readonly unknown[]): void {
  const dict = new Map<unknown, unknown>();
  machine.setItems(dict, items);
  machine.push(dict);
}

function setItems(machine: PickleMachine, items: readonly unknown[]): void {
  machine.setItems(machine.asDict(machine.top()), items);
}

function addItems(machine: PickleMachine, items: readonly unknown[]): void {
  const set = machine.asSet(machine.top());
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

/** The one place where a Python object comes in by name. */
function findGlobal({ path, globals }: Context, module: string, name: string): PickleGlobal {
  const fullName = `${module}.${name}`;
  const global = globals.get(fullName);
  if (global) return global;
  throw new CheckpointError({
    path,
    key: fullName,
    problem: 'the pickle asks for this Python object; only tensors and plain data are read',
    fix: 'Save a state dict or plain data instead. If you did not make this file, do not trust it.',
  });
}

function call(machine: PickleMachine): void {
  const args = machine.pop();
  const callee = machine.pop();
  machine.push(machine.call(callee, args));
}

function restoreState(machine: PickleMachine): void {
  const state = machine.pop();
  machine.setState(machine.top(), state);
}

function pushPersistent({ machine, loadPersistent }: Context): void {
  if (!loadPersistent) throw machine.fault('has a persistent id, which is not due here');
  machine.push(loadPersistent(machine.pop()));
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

/** Bounds on what a pickle may ask for; a checkpoint of some thousand tensors stays far below them. */
interface PickleLimits {
  /** Values on the stack at a time. */
  readonly stack: number;
  /** Values kept for later reference. */
  readonly memo: number;
  /** Instructions in all. */
  readonly operations: number;
}

const defaultPickleLimits: PickleLimits = {
  stack: 2 ** 20,
  memo: 2 ** 21,
  operations: 2 ** 23,
};

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

  constructor(options: { path: string; limits: PickleLimits }) {
    this.path = options.path;
    this.#limits = options.limits;
  }

  countOperation(): void {
    this.#operations++;
    this.#limit('operations', this.#operations);
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
    return this.#stack.splice(mark);
  }

  /** Drops the top value, or the last mark if nothing is above it. */
  drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  /** Keeps the top value under an index, by default the next one. */
  memoize(index = this.#memo.size): void {
    this.#memo.set(index, this.top());
    this.#limit('memo', this.#memo.size);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.fault(`refers to value ${index}, which it never kept`);
    this.push(this.#memo.get(index));
  }

  /** Calls an allowed global with a tuple of arguments. */
  call(callee: unknown, args: unknown): unknown {
    if (!(callee instanceof PickleGlobal && callee.call && Array.isArray(args))) {
      throw this.fault('calls what is no function');
    }
    const result = callee.call(args);
    if (callee.setState && typeof result === 'object' && result !== null) {
      this.#makers.set(result, callee);
    }
    return result;
  }

  /** Restores attributes of an object. */
  setState(object: unknown, state: unknown): void {
    const maker = typeof object === 'object' && object ? this.#makers.get(object) : undefined;
    if (!maker?.setState) throw this.fault('sets attributes of an object that has none');
    maker.setState(object, state);
  }

  asList(value: unknown): unknown[] {
    if (Array.isArray(value)) return value;
    throw this.fault('appends to what is no list');
  }

  asDict(value: unknown): Map<unknown, unknown> {
    if (value instanceof Map) return value;
    throw this.fault('sets an item of what is no dict');
  }

  asSet(value: unknown): Set<unknown> {
    if (value instanceof Set) return value;
    throw this.fault('adds to what is no set');
  }

  asText(value: unknown): string {
    if (typeof value === 'string') return value;
    throw this.fault('has another value where a name is due');
  }

  /** Keys and values alternate in `items`. */
  setItems(dict: Map<unknown, unknown>, items: readonly unknown[]): void {
    if (items.length % 2 !== 0) throw this.fault('has a key without a value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  fault(problem: string): CheckpointError {
    return new CheckpointError({
      path: this.path,
      problem: `the pickle ${problem}`,
      fix: 'The file is damaged or not a PyTorch checkpoint; get it again.',
    });
  }

  #limit(what: keyof PickleLimits, count: number): void {
    const limit = this.#limits[what];
    if (count <= limit) return;
    throw new CheckpointError({
      path: this.path,
      problem: `the pickle needs more than ${limit} entries of ${what}`,
      fix: 'No ordinary checkpoint does; do not trust this file.',
    });
  }
}
