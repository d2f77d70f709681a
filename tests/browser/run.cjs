// The pages in a real Chromium, with the real security headers: every page answers, holds no accessibility violation,
// breaks no content policy, fits a phone; it works without JavaScript; it follows changes; the past can be read; proofs
// that are downloaded hold.
//
// Needs OCTRO (the binary) and NODE_PATH (playwright-core, axe-core). Ends with `N passed, N failed`.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('playwright-core');

const { Octro } = require('./octro.cjs');
const { pages } = require('./pages.cjs');
const { ledger, sealNow } = require('./ledger.cjs');

const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SHOTS = process.env.SHOTS;

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

// What a browser complains of while a page is open: refused scripts and styles, errors of our own script.
function complaints(page) {
  const all = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) all.push(message.text());
  });
  page.on('pageerror', (error) => all.push(String(error)));
  return all;
}

async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags } }), TAGS);
  return found.violations.map((one) => `${one.id} (${one.nodes.length}): ${one.nodes[0].target} ${one.nodes[0].failureSummary}`);
}

const VIEWS = [
  { name: 'wide-light', viewport: { width: 1360, height: 900 }, colorScheme: 'light' },
  { name: 'wide-dark', viewport: { width: 1360, height: 900 }, colorScheme: 'dark' },
  { name: 'phone-light', viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
];

// Ways of reading that fewer people need: each kind of page once.
const RARER = [
  { name: 'zoomed', viewport: { width: 680, height: 450 }, deviceScaleFactor: 2, colorScheme: 'light' },
  { name: 'forced-colours', viewport: { width: 1360, height: 900 }, colorScheme: 'dark', forcedColors: 'active' },
  { name: 'printed', viewport: { width: 720, height: 1000 }, colorScheme: 'dark', media: 'print' },
];
const KINDS = [
  'overview', 'controls', 'control', 'test', 'resources', 'resource', 'results', 'why', 'sources', 'source', 'period', 'ledger', 'ledger-entries',
  'ledger-seal', 'ledger-verify', 'principles', 'data', 'exposure', 'coverage', 'certificates', 'framework', 'policy', 'program', 'search',
];

async function looked(page, url, name, view) {
  const said = complaints(page);
  if (view.media) await page.emulateMedia({ media: view.media });
  const answer = await page.goto(url, { waitUntil: 'load' });
  assert(answer.status() === 200, `${url} answered ${answer.status()}`);
  if (view.media === 'print') await printed(page, url);
  if (SHOTS) {
    fs.mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(SHOTS, `${name}-${view.name}.png`), fullPage: !view.name.startsWith('phone') });
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert(wide <= 0, `${url} is ${wide} px wider than the window`);
  const found = await violations(page);
  assert(found.length === 0, `${url}: ${found.join('\n')}`);
  assert(said.length === 0, `${url}: ${said.join('\n')}`);
}

async function everyPage(browser, octro, all) {
  for (const view of [...VIEWS, ...RARER]) {
    const { name: _, media: __, viewport, ...how } = view;
    const context = await browser.newContext({ viewport, reducedMotion: 'reduce', ...how });
    const list = RARER.includes(view) ? all.filter(([name]) => KINDS.includes(name)) : all;
    for (const [name, url] of list) {
      await test(`${name}, ${view.name}`, async () => {
        const page = await context.newPage();
        try {
          await looked(page, octro.address + url, name, view);
        } finally {
          // An open page keeps a connection for changes, of which a browser has six.
          await page.close();
        }
      });
    }
    await context.close();
  }
}

// Paper is white, and nobody can click on it.
async function printed(page, url) {
  const shown = await page.evaluate(() => ({
    paper: getComputedStyle(document.body).backgroundColor,
    controls: [...document.querySelectorAll('nav:not(.crumbs), main button, main input, main select')]
      .filter((one) => one.checkVisibility())
      .map((one) => one.outerHTML.slice(0, 80)),
  }));
  assert(['rgb(255, 255, 255)', 'rgba(0, 0, 0, 0)'].includes(shown.paper), `${url} is printed on ${shown.paper}`);
  assert(shown.controls.length === 0, `${url} prints what can only be clicked: ${shown.controls.slice(0, 3).join('\n')}`);
}

async function withoutScript(browser, octro, list) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  for (const [name, url] of list) {
    await test(`${name} without JavaScript`, async () => {
      const answer = await page.goto(octro.address + url);
      assert(answer.status() === 200, `${url} answered ${answer.status()}`);
      assert((await page.locator('h1').count()) === 1, `${url} has no single h1`);
    });
  }
  await test('the past can be chosen without JavaScript', async () => {
    await page.goto(`${octro.address}/controls`);
    await page.locator('input[name="as_of"]').first().fill('2026-03-03T09:00');
    await page.locator('form:has(input[name="as_of"]) button').first().click();
    assert(page.url().includes('as_of='), `the address is ${page.url()}`);
    assert((await page.content()).includes('2026-03-03'), 'the page does not say which moment it shows');
  });
  await context.close();
}

async function headers(octro) {
  await test('pages come with strict headers', async () => {
    const answer = await fetch(octro.address);
    const policy = answer.headers.get('content-security-policy') || '';
    assert(policy.includes("default-src 'none'"), `the content policy is ${policy}`);
    assert(!policy.includes('unsafe'), `the content policy is ${policy}`);
    assert(answer.headers.get('x-content-type-options') === 'nosniff', 'nosniff is missing');
  });
  await test('a page says the same as the API', async () => {
    const controls = await (await fetch(`${octro.address}/api/v1/controls`)).json();
    const list = Array.isArray(controls) ? controls : controls.rows || controls.controls || controls.items;
    assert(list.length > 40, `${list.length} controls`);
    const one = list.find((control) => control.status === 'fail');
    const html = await (await fetch(`${octro.address}/controls/${one.id}`)).text();
    assert(html.includes('fail'), `${one.id} fails, and its page does not say so`);
  });
}

async function keyboard(browser, octro) {
  await test('the keyboard reaches the content first', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(octro.address);
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement.getAttribute('href'));
    assert(focused === '#main', `the first stop is ${focused}`);
    await context.close();
  });
}

// A real company of one source, whose answer we change while a page is open.
async function live(browser, binary) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'octro-live-'));
  const lines = path.join(dir, 'lines');
  const write = (encrypted) =>
    fs.writeFileSync(
      lines,
      [
        { kind: 'host.swap', key: 'web1:swap', attributes: { host: 'web1', persistent: true, path: '/swapfile', encrypted } },
        { scope: { kind: 'host.swap', complete: true, resources: 1 } },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n') + '\n',
    );
  write(false);
  fs.writeFileSync(
    path.join(dir, 'octro.toml'),
    'listen = "127.0.0.1:0"\ndata = "data"\n[[source]]\nid = "swap"\ntype = "exec"\nevery = "1h"\n' +
      `command = ["/bin/cat", "${lines}"]\nkinds = ["host.swap"]\n`,
  );
  const octro = await Octro.start(binary, ['up', '--config', path.join(dir, 'octro.toml')]);
  const context = await browser.newContext();
  const page = await context.newPage();
  const said = complaints(page);
  await test('an open page follows a change within seconds', async () => {
    await page.goto(`${octro.address}/resources/host.swap/web1:swap`);
    for (let tries = 0; tries < 50 && !(await page.content()).includes('fail'); tries += 1) {
      await page.waitForTimeout(200);
      await page.reload();
    }
    assert((await page.locator('#main').innerText()).includes('fail'), 'it does not fail to begin with');
    write(true);
    const run = await fetch(`${octro.address}/sources/swap/run`, { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' }, redirect: 'manual' });
    assert(run.status < 400, `"run now" answered ${run.status}`);
    await page.waitForFunction(() => document.querySelector('#main').innerText.includes('pass'), null, { timeout: 10000 });
    const found = await violations(page);
    assert(found.length === 0, `after the change: ${found.join('\n')}`);
    assert(said.length === 0, said.join('\n'));
  });
  await sealNow(page, octro, { test, assert, violations });
  await context.close();
  await octro.stop();
  fs.rmSync(dir, { recursive: true });
}

async function main() {
  const binary = process.env.OCTRO;
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'octro-chromium-'));
  const data = process.env.DEMO || path.join(profile, 'demo');
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  console.log('simulating a company');
  const octro = await Octro.start(binary, ['up', '--demo', '--data', data, '--listen', '127.0.0.1:0'], 900_000);
  try {
    const list = await pages(octro.address);
    await everyPage(browser, octro, list);
    await withoutScript(browser, octro, list);
    await headers(octro);
    await keyboard(browser, octro);
    await ledger(browser, octro, { test, assert, violations, complaints });
  } finally {
    await octro.stop();
  }
  await live(browser, binary);
  await browser.close();
  fs.rmSync(profile, { recursive: true });
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exit(count.failed === 0 ? 0 : 1);
}

main().catch((error) => {
  console.log(error);
  console.log(`${count.passed} passed, ${count.failed + 1} failed`);
  process.exit(1);
});
