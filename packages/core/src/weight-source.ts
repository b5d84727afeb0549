/** Shape and stored element type of one tensor of a checkpoint. */
export interface WeightInfo {
  readonly shape: readonly number[];
  /** As stored, such as `f32`, `f16`, `bf16` or `i64`. */
  readonly dtype: string;
}

/** A checkpoint whose tensors are read one by one, whatever its format. */
export interface WeightSource {
  /** File or folder, for error messages. */
  readonly path: string;
  readonly names: readonly string[];
  /** @throws {@link CheckpointError} if there is no such tensor. */
  info(name: string): WeightInfo;
  /** The tensor as float32, row-major, in memory of its own. */
  read(name: string): Promise<Float32Array>;
  /** Closes the file; nothing can be read after it. */
  close(): Promise<void>;
}
