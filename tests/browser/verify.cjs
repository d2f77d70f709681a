// `verify.html` opened from disk in a real Chromium: it proves a good proof and says what is wrong with bad ones, without a
// network, in light and dark, without accessibility violations.
//
// Needs NODE_PATH (playwright-core, axe-core). Ends with `N passed, N failed`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { chromium } = require('playwright-core');

const { vectors } = require('./verifier.cjs');

const page_ = pathToFileURL(path.join(__dirname, '../../crates/verify/verify.html')).href;
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SHOTS = process.env.SHOTS;
const GOOD = ['interval', 'interval-young', 'began', 'member', 'absent', 'rotated', 'largest-log', 'linked-interval'];
const BAD = [
  'dropped-transition', 'dropped-first-seal', 'dropped-last-seal', 'shortened-at-the-end', 'another-control', 'another-chain',
  'entries-swapped', 're-ordered-log', 'forged-hash', 'forged-state', 'old-key-after-rotation', 'cosignature-of-another-log',
  'began-later', 'began-not-shown', 'wrong-origin', 'wrong-key', 'extension-line', 'absent-but-there', 'beyond-the-largest-log', 'half-a-file', 'no-key',
  'linked-dropped-transition', 'linked-forged-chain', 'linked-all', 'linked-another-control', 'linked-re-ordered', 'linked-short-dropped',
];
const VIEWS = [
  { name: 'wide-light', viewport: { width: 1360, height: 900 }, colorScheme: 'light' },
  { name: 'wide-dark', viewport: { width: 1360, height: 900 }, colorScheme: 'dark' },
  { name: 'phone-light', viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
];

const count = { passed: 0, failed: 0 };

async function test(name, body) {
  try {
    await body();
    count.passed += 1;
  } catch (error) {
    count.failed += 1;
    console.log(`FAILED ${name}\n  ${String(error.message || error).split('\n').slice(0, 12).join('\n  ')}`);
  }
}

function assert(holds, what) {
  if (!holds) throw new Error(what);
}

// A page that notes whatever it complains of and every request beyond the file itself.
async function open(context) {
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => { if (request.url() !== page_) said.push(`it asked for ${request.url()}`); });
  await page.goto(page_);
  return { page, said };
}

// Gives the page a proof and keys; answers what it says.
async function give(page, vector) {
  await page.fill('#logs', vector.logs.join('\n'));
  await page.fill('#witnesses', vector.witnesses.join('\n'));
  await page.fill('#required', String(vector.required));
  await page.evaluate(() => document.getElementById('result').replaceChildren());
  const buffer = Buffer.from(vector.proof);
  await page.setInputFiles('#file', { name: `${vector.name}.json`, mimeType: 'application/json', buffer });
  await page.waitForSelector('#verdict');
  return page.evaluate(() => ({
    outcome: document.getElementById('verdict').className,
    words: document.getElementById('verdict').textContent,
    reason: document.getElementById('reason')?.textContent,
    said: [...document.querySelectorAll('#result li')].map((one) => one.textContent),
    took: Number(document.getElementById('result').dataset.took),
  }));
}

async function outcomes(browser, all) {
  const context = await browser.newContext({ offline: true });
  const { page, said } = await open(context);
  for (const name of [...GOOD, ...BAD]) {
    await test(name, async () => {
      const vector = all.get(name);
      const { expected } = vector;
      const found = await give(page, vector);
      assert(found.outcome === expected.outcome, `it says ${found.words} ${found.reason}`);
      assert(found.words.toLowerCase().startsWith(`${expected.outcome}:`), `its words are ${found.words}`);
      assert(found.reason === expected.reason, `the reason is ${found.reason}\nexpected ${expected.reason}`);
      const sentences = [...(expected.proved || []), ...(expected.not_proved || [])];
      assert(JSON.stringify(found.said) === JSON.stringify(sentences), `it says ${found.said.join('\n')}`);
    });
  }
  await test('a page from disk checks signatures by WebCrypto, soon, and asks nobody', async () => {
    await give(page, all.get('interval'));
    const { took } = await give(page, all.get('interval'));
    assert(took < 50, `it took ${took} ms`);
    assert(await page.evaluate('isSecureContext && octroVerify.usesWebCrypto()'), 'WebCrypto was not used');
    console.log(`verified in ${took.toFixed(1)} ms`);
    assert(said.length === 0, said.join('\n'));
  });
  await test('its own arithmetic comes to the same, soon', async () => {
    await page.evaluate('octroVerify.useWebCrypto(false)');
    // The first is for the compiler. Of the others the quickest counts: whatever else the machine does only adds to it.
    let quickest = Infinity;
    for (let round = 0; round < 6; round += 1) {
      const { outcome, took } = await give(page, all.get('interval'));
      assert(outcome === 'proved', `it says ${outcome}`);
      if (round > 0) quickest = Math.min(quickest, took);
    }
    assert(quickest < 50, `it took ${quickest} ms`);
    console.log(`verified in ${quickest.toFixed(1)} ms without WebCrypto`);
    const { outcome: forged } = await give(page, all.get('signature-of-another-checkpoint'));
    assert(forged === 'refuted', `it says ${forged} of a forged signature`);
  });
  await test('nothing was chosen', async () => {
    const { page: fresh } = await open(context);
    await fresh.click('button');
    assert((await fresh.textContent('#result')) === 'Choose a proof file first.', 'it does not say so');
    await fresh.close();
  });
  await test('a file that is dropped', async () => {
    const { page: fresh } = await open(context);
    const vector = all.get('interval');
    await fresh.fill('#logs', vector.logs[0]);
    await fresh.evaluate((proof) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([proof], 'dropped.json'));
      document.getElementById('drop').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }, vector.proof);
    await fresh.waitForSelector('#verdict.proved');
    await fresh.close();
  });
  await context.close();
}

async function views(browser, all) {
  for (const view of VIEWS) {
    const context = await browser.newContext({ viewport: view.viewport, colorScheme: view.colorScheme, reducedMotion: 'reduce' });
    for (const name of [undefined, 'interval', 'dropped-transition', 'half-a-file']) {
      await test(`${name || 'empty'}, ${view.name}`, async () => {
        const { page, said } = await open(context);
        if (name) await give(page, all.get(name));
        if (SHOTS) {
          fs.mkdirSync(SHOTS, { recursive: true });
          await page.screenshot({ path: path.join(SHOTS, `verify-${name || 'empty'}-${view.name}.png`), fullPage: true });
        }
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert(wide <= 0, `it is ${wide} px wider than the window`);
        await page.evaluate(axe);
        const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags } }), TAGS);
        const violations = found.violations.map((one) => `${one.id}: ${one.nodes[0].target} ${one.nodes[0].failureSummary}`);
        assert(violations.length === 0, violations.join('\n'));
        assert(said.length === 0, said.join('\n'));
        await page.close();
      });
    }
    await context.close();
  }
}

async function main() {
  const all = new Map(vectors().map((vector) => [vector.name, vector]));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  try {
    await outcomes(browser, all);
    await views(browser, all);
  } finally {
    await browser.close();
  }
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exitCode = count.failed === 0 ? 0 : 1;
}

main().catch((error) => {
  console.log(error);
  console.log(`${count.passed} passed, ${count.failed + 1} failed`);
  process.exit(1);
});
