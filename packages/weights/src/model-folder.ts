/** The files of a model, on this machine or on a hub. */
export interface ModelFolder {
  /** Path or name, for error messages. */
  readonly name: string;
  /** The commit of a hub, if it comes from one. */
  readonly commit?: string;
  /** Relative to the model, with slashes: what lies in it and in its folders. */
  readonly files: readonly string[];
  /** Paths on this machine of some of the files, after downloading what is missing. */
  locate(files: readonly string[]): Promise<string[]>;
}
