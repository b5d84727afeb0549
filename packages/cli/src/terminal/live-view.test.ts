import { describe, expect, it } from 'vitest';
import { createLiveView } from './progress-bar.js';

const record = (isTTY: boolean) => {
  const written: string[] = [];
  let time = 0;
  const view = createLiveView({
    output: { isTTY, write: (text) => written.push(text) },
    everyMs: 100,
    now: () => time,
  });
  const showAt = (at: number, text: string) => {
    time = at;
    view.show(text);
  };
  return { written, view, showAt };
};

describe('createLiveView', () => {
  it('redraws on a terminal, above what it drew before', () => {
    const { written, view, showAt } = record(true);
    showAt(0, 'one\n\nmap\n');
    showAt(50, 'two\n');
    showAt(100, 'three\nmap');
    showAt(120, 'four');
    view.draw();
    view.draw();
    expect(written).toEqual([
      'one\n\nmap\n',
      '\u001b[3F\u001b[0Jthree\nmap\n',
      '\u001b[2F\u001b[0Jfour\n',
    ]);
  });

  it('prints first lines now and then elsewhere', () => {
    const { written, view, showAt } = record(false);
    showAt(0, 'one\nmap');
    showAt(99, 'two\nmap');
    showAt(200, 'three\nmap');
    showAt(210, 'four\nmap');
    view.draw();
    expect(written).toEqual(['one\n', 'three\n', 'four\n']);
  });
});
