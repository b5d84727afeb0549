import '@tensorflow/tfjs-backend-cpu';
import { createEagerExecutor } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import { type CostModel, macsCostModel, theoreticalSpeedUp } from '@harmonica/router';
import { afterAll, describe, expect, it } from 'vitest';
import { currentSchedule } from './threshold.js';
import { paperConfig } from './training-config.js';

const backbone = createTinyBackbone();
const executor = createEagerExecutor(backbone);
afterAll(async () => {
  await executor.dispose();
  backbone.dispose();
});

const logits = [
  [-5, -5, -5, -5],
  [1, -1, 3, -3],
  [-2, 2, 0.5, -0.5],
];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const config = { ...paperConfig, threshold: sigmoid(0.7) };

describe('currentSchedule', () => {
  it('computes what is above the configured threshold, and all of step 0', () => {
    const { threshold, scores, schedule, hardScores } = currentSchedule(
      { executor, config },
      { logits },
    );
    expect(threshold).toBe(config.threshold);
    expect(scores).toEqual(logits.map((row) => row.map(sigmoid)));
    expect(schedule.table).toEqual(['1111', '1010', '0100']);
    expect(hardScores).toEqual([
      [1, 1, 1, 1],
      [1, 0, 1, 0],
      [0, 1, 0, 0],
    ]);
  });

  it('with a target takes the threshold that reaches it, by MACs', () => {
    const options = { executor, config: { ...config, targetSpeedup: 1.3 } };
    const { cost, scores, threshold, schedule } = currentSchedule(options, { logits });
    expect(cost).toEqual(macsCostModel(backbone.spec));
    expect(theoreticalSpeedUp({ schedule, cost })).toBeGreaterThanOrEqual(1.3);
    // One branch more computed, that of the highest score below the threshold, would be too slow.
    const below = scores
      .slice(1)
      .flat()
      .filter((score) => score < threshold);
    const lower = currentSchedule(
      { executor, config: { ...config, threshold: Math.max(...below) - 1e-9 } },
      { logits },
    );
    expect(theoreticalSpeedUp({ schedule: lower.schedule, cost })).toBeLessThan(1.3);
  });

  it('with measured costs reaches the target by them', () => {
    const costs: CostModel = { unit: 'ms', begin: 1, branches: [1, 1, 1, 98], predict: 0, end: 1 };
    const options = { executor, config: { ...config, targetSpeedup: 2.5 } };
    const { cost, schedule } = currentSchedule(options, { logits, costs });
    expect(cost).toBe(costs);
    // 309 / 2.5 is less than two times the last branch: it is predicted in steps 1 and 2.
    expect(schedule.table.map((row) => row[3])).toEqual(['1', '0', '0']);
    expect(theoreticalSpeedUp({ schedule, cost: costs })).toBeGreaterThanOrEqual(2.5);
  });
});
