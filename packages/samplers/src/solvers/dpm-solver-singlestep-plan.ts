import { assertArgument, type SamplerPlan, UnsupportedError } from '@harmonica/core';
import type { NoisePoint } from '../plan.js';
import {
  assertDpmSolver,
  type DpmSolverAlgorithm,
  type DpmSolverRule,
  spaceOf,
  tauOf,
} from './dpm-solver-plan.js';
import {
  type FixedUpdate,
  interpolationWeights,
  kernelMoments,
  lineWeights,
  pathStep,
  type Quadrature,
} from './exponential-step.js';
import { createSolverPlan, type SolverPlanOptions } from './solver-path.js';

/**
 * How a group's predictions are integrated. `'heun'`: all of them exactly. `'midpoint'`: its first and latest one, by the
 * midpoint rule where there are two and exactly where there are three. `'paper'`: the same, but exactly throughout a group
 * of three, which is DPM-Solver-3 as published and as the official code has it.
 */
export type DpmSolverSinglestepRule = DpmSolverRule | 'paper';

/** Options of {@link createDpmSolverSinglestepPlan}. */
export type DpmSolverSinglestepPlanOptions = SolverPlanOptions & {
  /** Default `'dpm-solver++'`. */
  readonly algorithm?: Exclude<DpmSolverAlgorithm, 'sde-dpm-solver'>;
  /** 1, 2 or 3: how many steps belong together. Default 2. */
  readonly order?: 1 | 2 | 3;
  /** Default `'midpoint'`. */
  readonly solver?: DpmSolverSinglestepRule;
  /** Ends on groups of lower order, so that any number of steps will do. Default true. */
  readonly lowerOrderFinal?: boolean;
};

/**
 * DPM-Solver and DPM-Solver++, singlestep: groups of `order` model evaluations, each group starting anew from the latent
 * that the one before it reached. Lu et al. 2022 (a), Algorithms 1 and 2 with the intermediate points of the plan's steps;
 * DPM-Solver++ (2S), Lu et al. 2022 (b), Algorithm 1.
 *
 * Every model evaluation is a step of the plan. A latent that a group started from is worked out from the current one, so
 * that a step needs no other state than past predictions, and for the SDE variant past noise.
 *
 * @throws {@link InvalidArgumentError} if an option is outside its range, or `lowerOrderFinal` is off and the steps do not
 * make whole groups or lead to sigma 0
 * @throws {@link UnsupportedError} for limits of samples and a final sigma of zero, if noise is integrated
 */
export function createDpmSolverSinglestepPlan(
  options: DpmSolverSinglestepPlanOptions,
): SamplerPlan {
  const { algorithm = 'dpm-solver++', order = 2, solver = 'midpoint' } = options;
  const { lowerOrderFinal = true } = options;
  assertDpmSolver({ algorithm, order, solver, solvers: ['midpoint', 'heun', 'paper'] });
  assertSinglestep(algorithm);
  const space = spaceOf(algorithm);
  return createSolverPlan({
    sampler: `${algorithm}-singlestep`,
    options,
    space,
    settings: { order, solver, lowerOrderFinal },
    updates: (path) => {
      const orders = ordersOf({ path, order, lowerOrderFinal });
      const moves = orders.map((stepOrder, index) => {
        const isInThird = stepOrder === 3 || (stepOrder === 2 && orders[index + 1] === 3);
        const start = index - stepOrder + 1;
        const step = {
          path,
          start,
          end: index + 1,
          count: stepOrder,
          space,
          tau: tauOf(algorithm),
        };
        return pathStep(step, groupQuadrature(solver, isInThird));
      });
      return moves.map((move, index) => {
        const before = moves[index - 1];
        return before && (orders[index] as number) > 1 ? fromLatent(move, before) : move;
      });
    },
  });
}

/** The order of every step: 1, 2, …, `order`, 1, 2, …; the last group may be shorter. */
function ordersOf(options: {
  readonly path: readonly NoisePoint[];
  readonly order: number;
  readonly lowerOrderFinal: boolean;
}): number[] {
  const { path, order, lowerOrderFinal } = options;
  const steps = path.length - 1;
  const endsOnSample = path.at(-1)?.sigma === 0;
  assertArgument(
    { lowerOrderFinal },
    `true, unless steps is a multiple of ${order} and finalSigma is "min"`,
    lowerOrderFinal || order === 1 || (steps % order === 0 && !endsOnSample),
  );
  const cycle = Array.from({ length: steps }, (_, i) => (i % order) + 1);
  if (!lowerOrderFinal) return cycle;
  // A plan that would end on a whole group ends on one of one less and a first-order step instead.
  if (steps % order === 0) cycle[steps - 1] = 1;
  if (endsOnSample) cycle[steps - 1] = 1;
  return cycle;
}

/** Weights of a group's predictions, the latest first; the last node is the start of the group. */
function groupQuadrature(solver: DpmSolverSinglestepRule, isInThird: boolean): Quadrature {
  return (nodes, exponent) => {
    if (nodes.length === 1) return kernelMoments(exponent, 1);
    if (solver === 'heun') return interpolationWeights({ nodes, exponent });
    const isExact = nodes.length === 3 || (solver === 'paper' && isInThird);
    const slope = isExact ? 'exact' : 'midpoint';
    const [start, latest] = lineWeights({ node: nodes[0] as number, exponent, slope });
    return nodes.length === 2 ? [latest, start] : [latest, 0, start];
  };
}

/** The same step from the current latent: the step before it, which has the same start, is solved for that start. */
function fromLatent(move: FixedUpdate, before: FixedUpdate): FixedUpdate {
  const carry = move.carry / before.carry;
  const history = move.history.map(
    (h, j) => h - (j > 0 ? carry * (before.history[j - 1] ?? 0) : 0),
  );
  const earlier = carry * before.noise.std;
  return {
    carry,
    history,
    noise: { ...move.noise, ...(earlier !== 0 && { earlier: [-earlier] }) },
  };
}

function assertSinglestep(algorithm: DpmSolverAlgorithm): void {
  if (algorithm !== 'sde-dpm-solver') return;
  throw new UnsupportedError({
    feature: algorithm,
    engine: 'The singlestep method',
    fix: 'Use sde-dpm-solver++, or createDpmSolverPlan.',
  });
}
