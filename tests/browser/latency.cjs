// From an observation to the pixels of an open page in Chromium, with many resources stored: each change is handed to the
// engine, committed durably, judged, announced to the page, fetched and painted.
//
//   OCTRO=target/release/octro NODE_PATH=.xtask/node/node_modules node tests/browser/latency.cjs [RESOURCES] [CHANGES]
//
// Prints the median, the 99th percentile and the longest, for the resource's page and for its control's.
'use strict';

const { spawn } = require('node:child_process');
const readline = require('node:readline');
const { chromium } = require('playwright-core');

const RESOURCES = Number(process.argv[2] || 1_000_000);
const CHANGES = Number(process.argv[3] || 200);

// In the page: waits until what it tells of the test has changed and is painted; answers when that was.
const painted = () => new Promise((done) => {
  const say = () => [...document.querySelectorAll('#main tr, #main li')]
    .filter((one) => one.querySelector('a[href*="bucket.versioning"]')).map((one) => one.innerText).join();
  const before = say();
  const watch = new MutationObserver(() => {
    if (say() === before) return;
    watch.disconnect();
    // Called before the frame is painted; what it puts off comes after that.
    requestAnimationFrame(() => setTimeout(() => done(performance.timeOrigin + performance.now())));
  });
  watch.observe(document.getElementById('main'), { childList: true, subtree: true, characterData: true });
});

async function main() {
  const octro = spawn(process.env.OCTRO, ['bench', 'latency', '--pages', '--resources', String(RESOURCES)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = readline.createInterface({ input: octro.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value;
  const address = (await line()).replace(/\/$/, '');
  const resource = await line();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    for (const [name, url] of [['resource', resource], ['control', '/controls/BE-01']]) {
      const page = await browser.newPage();
      await page.goto(address + url, { waitUntil: 'load' });
      await page.waitForSelector('.live.on');
      const took = [];
      for (let change = 0; change < CHANGES; change += 1) {
        // Pages follow at most three times a second; a change by itself is shown at once.
        await page.waitForTimeout(400);
        const shown = page.evaluate(painted);
        if (!await page.evaluate(() => document.querySelector('#main a[href*="bucket.versioning"]'))) throw new Error(`${url} does not tell of the test`);
        octro.stdin.write('\n');
        const [at] = (await line()).split(' ');
        took.push(await shown - Number(at));
      }
      took.sort((a, b) => a - b);
      const at = (share) => took[Math.ceil(took.length * share) - 1].toFixed(1);
      console.log(`${name} page, ${RESOURCES} resources, ${CHANGES} changes: median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`);
      await page.close();
    }
  } finally {
    await browser.close();
    octro.stdin.end();
    await new Promise((done) => octro.on('exit', done));
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
