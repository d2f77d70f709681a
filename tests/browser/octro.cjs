// A running `octro`, for the tests.
'use strict';

const { spawn } = require('node:child_process');

class Octro {
  constructor(child, address) {
    this.child = child;
    this.address = address;
  }

  // Starts the binary and waits until its pages answer.
  static async start(binary, args, patience = 60_000) {
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let talk = '';
    child.stderr.on('data', (text) => {
      talk = (talk + text).slice(-4_000);
    });
    const address = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`octro ${args.join(' ')}: no address within ${patience} ms\n${talk}`)), patience);
      let out = '';
      child.stdout.on('data', (text) => {
        out += text;
        const found = out.match(/http:\/\/\S+/);
        if (found) {
          clearTimeout(late);
          resolve(found[0].replace(/\/$/, ''));
        }
      });
      child.on('exit', (code) => reject(new Error(`octro ${args.join(' ')} ended with ${code}\n${talk}`)));
    });
    const octro = new Octro(child, address);
    const until = Date.now() + 30_000;
    while ((await fetch(`${address}/`)).status !== 200) {
      if (Date.now() > until) throw new Error(`octro ${args.join(' ')}: no page within 30 s\n${talk}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return octro;
  }

  // Asks it to stop, and waits until it did.
  async stop() {
    const ended = new Promise((resolve) => this.child.on('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }
}

module.exports = { Octro };
