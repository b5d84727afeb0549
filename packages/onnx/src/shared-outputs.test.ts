import '@tensorflow/tfjs-backend-cpu';
import { square } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { withoutShared } from './backbone-programs.js';
import { type TensorRecord, traceFunction } from './trace-function.js';

const names = (values: readonly { readonly name: string }[]) => values.map(({ name }) => name);
const traced = (fn: (inputs: TensorRecord) => TensorRecord) =>
  traceFunction({ inputs: { 'state.a': { shape: [2] }, 'state.b': { shape: [2] } }, fn });
const isState = (name: string) => name.startsWith('state.');

describe('withoutShared', () => {
  it('takes out what is passed on, and inputs that were read for nothing else', () => {
    const graph = traced(({ 'state.a': a, 'state.b': b }) => {
      const squared = square(a as never);
      return { 'state.a': squared, 'state.b': b, 'state.c': squared, output: b } as TensorRecord;
    });
    const { graph: rest, shared } = withoutShared(graph, isState);
    expect(shared).toEqual([
      { name: 'state.b', source: { kind: 'input', name: 'state.b' } },
      { name: 'state.c', source: { kind: 'output', name: 'state.a' } },
    ]);
    expect(names(rest.outputs)).toEqual(['state.a', 'output']);
    expect(names(rest.inputs)).toEqual(['state.a', 'state.b']);
    const { graph: shorter } = withoutShared(
      traced(({ 'state.a': a, 'state.b': b }) => {
        return { 'state.a': square(a as never), 'state.b': b } as TensorRecord;
      }),
      isState,
    );
    expect(names(shorter.inputs)).toEqual(['state.a']);
  });

  it('leaves a graph alone that passes everything on', () => {
    const graph = traced(({ 'state.a': a, 'state.b': b }) => {
      return { 'state.a': b, 'state.b': a } as TensorRecord;
    });
    expect(withoutShared(graph, isState)).toEqual({ graph, shared: [] });
  });
});
