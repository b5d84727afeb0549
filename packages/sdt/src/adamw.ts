/** AdamW's memory of one parameter vector. Plain JSON. */
export interface AdamWState {
  /** Updates so far. */
  readonly count: number;
  readonly firstMoment: readonly number[];
  readonly secondMoment: readonly number[];
}

/** An update of AdamW: what it changes, by which gradient, and the settings (Loshchilov and Hutter, 2019). */
export interface AdamWUpdateOptions {
  readonly parameters: readonly number[];
  readonly gradient: readonly number[];
  readonly state: AdamWState;
  readonly learningRate: number;
  /** Default 0, as router training uses it. */
  readonly weightDecay?: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/** The parameters and the state after an update. */
export type AdamWUpdate = Pick<AdamWUpdateOptions, 'parameters' | 'state'>;

/** AdamW before its first update. */
export function initAdamW(size: number): AdamWState {
  const zeros = new Array<number>(size).fill(0);
  return { count: 0, firstMoment: zeros, secondMoment: zeros };
}

/**
 * One AdamW update in float64 (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, Algorithm 2):
 *
 *     m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
 *     p = (1 - lr wd) p - lr * (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + epsilon)
 */
export function updateAdamW(options: AdamWUpdateOptions): AdamWUpdate {
  const { parameters, gradient, state, learningRate } = options;
  const { weightDecay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const count = state.count + 1;
  const firstMoment = state.firstMoment.map((m, i) => beta1 * m + (1 - beta1) * at(gradient, i));
  const secondMoment = state.secondMoment.map(
    (v, i) => beta2 * v + (1 - beta2) * at(gradient, i) ** 2,
  );
  const correction1 = 1 - beta1 ** count;
  const correction2 = 1 - beta2 ** count;
  const updated = parameters.map((p, i) => {
    const denominator = Math.sqrt(at(secondMoment, i) / correction2) + epsilon;
    const step = at(firstMoment, i) / correction1 / denominator;
    return p * (1 - learningRate * weightDecay) - learningRate * step;
  });
  return { parameters: updated, state: { count, firstMoment, secondMoment } };
}

function at(values: readonly number[], i: number): number {
  return values[i] as number;
}
