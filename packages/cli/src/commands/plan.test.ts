import { parseSamplerPlan } from '@harmonica/core';
import { createDdimPlan } from '@harmonica/samplers';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../test/run-command.js';

describe('harmonica plan', () => {
  it('prints JSON that core reads', async () => {
    const { status, stdout } = await runCommand(['plan', '--steps', '20', '--json']);
    expect(status).toBe(0);
    expect(parseSamplerPlan(stdout)).toEqual(createDdimPlan({ steps: 20 }));
  });

  it('prints a table with a row for each step', async () => {
    const { stdout } = await runCommand(['plan', '--sampler', 'ddim', '--steps', '4']);
    const rows = stdout.trimEnd().split('\n').slice(-4);
    expect(stdout).toContain('ddim, 4 steps, model predicts epsilon');
    expect(rows.map((row) => row.split(/\s+/).slice(0, 2).join(' '))).toEqual([
      '0 999',
      '1 666',
      '2 333',
      '3 0',
    ]);
  });

  it('prints the range of a learned variance', async () => {
    const { stdout } = await runCommand(['plan', '--sampler', 'iddpm', '--steps', '2']);
    expect(stdout.trimEnd().split('\n').at(-2)).toMatch(/0\.\d+\.\.0\.\d+$/);
    expect(stdout.trimEnd()).toMatch(/ 0$/);
  });

  it('prints earlier noise and thresholds', async () => {
    const argv = ['plan', '--sampler', 'sde-dpm-solver++-singlestep', '--steps', '4'];
    const { status, stdout } = await runCommand([...argv, '--dynamic-threshold', '0.995,2']);
    expect(status).toBe(0);
    const [head = '', , first = ''] = stdout.trimEnd().split('\n').slice(-6);
    expect(head).toMatch(/model to p +threshold +carry +p\[n\] +p\[n-1\] +z\[n\] +z\[n-1\]$/);
    expect(first).toMatch(/ 0\.995, 2 /);
  });

  it('refuses options that the sampler has not', async () => {
    const { status, stderr } = await runCommand([
      'plan',
      '--sampler',
      'flow-euler',
      '--order',
      '2',
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/error: --order is "flow-euler"; expected a sampler that has it: dpm/);
    const word = await runCommand(['plan', '--tau', 'x']);
    expect(word.status).toBe(1);
  });
});
