export interface SinCosPositionOptions {
  /** Tokens along one side of the square grid. */
  readonly gridSize: number;
  /** Width D of a token, a multiple of 4. */
  readonly width: number;
}

/**
 * The fixed 2D position embedding of MAE and DiT. The first half of a token's channels encodes its column, the second
 * its row; each half is `[sin(p w_i), cos(p w_i)]` with `w_i = 10000^(-i / (D / 4))`. Computed in float64.
 *
 * @returns `[gridSize * gridSize, width]`, row-major
 */
export function sinCosPosition({ gridSize, width }: SinCosPositionOptions): Float32Array {
  const count = width / 4;
  const table = new Float32Array(gridSize * gridSize * width);
  for (let row = 0; row < gridSize; row++) {
    for (let column = 0; column < gridSize; column++) {
      const start = (row * gridSize + column) * width;
      writeSinCos(table.subarray(start, start + 2 * count), column);
      writeSinCos(table.subarray(start + 2 * count, start + width), row);
    }
  }
  return table;
}

function writeSinCos(target: Float32Array, position: number): void {
  const count = target.length / 2;
  for (let i = 0; i < count; i++) {
    const angle = position / 10_000 ** (i / count);
    target[i] = Math.sin(angle);
    target[count + i] = Math.cos(angle);
  }
}
