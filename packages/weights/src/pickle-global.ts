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
