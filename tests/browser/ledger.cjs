// Proofs from pages: what a person downloads, the verifier's page proves; the key is copied; a seal is asked for.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const html = fs.readFileSync(path.join(__dirname, '../../crates/verify/verify.html'), 'utf8');

// The script of `verify.html`, as a module.
function verifier() {
  const [, script] = html.match(/<script id="verifier">([\s\S]*?)<\/script>/);
  const scope = { exports: {} };
  new Function('module', script)(scope);
  return scope.exports;
}

async function saved(page, link) {
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return { name: download.suggestedFilename(), body: fs.readFileSync(await download.path()) };
}

async function ledger(browser, octro, { test, assert, violations, complaints }) {
  const { key } = await (await fetch(`${octro.address}/api/v1/ledger`)).json();
  const proves = async (file) => {
    const found = await verifier().verify(new Uint8Array(file.body), { logs: [key], witnesses: [], required: 0 });
    assert(found.outcome === 'proved', `${file.name}: ${JSON.stringify(found).slice(0, 400)}`);
  };
  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';
    const context = await browser.newContext({ javaScriptEnabled, acceptDownloads: true });
    const page = await context.newPage();
    const said = complaints(page);
    await test(`proofs are downloaded from pages and hold, ${script} JavaScript`, async () => {
      const [resource] = (await (await fetch(`${octro.address}/api/v1/resources?kind=device&per=1`)).json()).rows;
      for (const url of ['/controls/EP-01', '/period?id=EP-01&from=2026-01-01&to=2026-04-01', `/resources/device/${encodeURIComponent(resource.key)}`]) {
        await page.goto(octro.address + url);
        const file = await saved(page, page.locator('#proof a', { hasText: 'Download proof' }));
        assert(file.name.endsWith('.octro-proof'), `${url} gives ${file.name}`);
        await proves(file);
      }
      await page.goto(`${octro.address}/ledger/entries/1`);
      await proves(await saved(page, page.getByText('Octro proof', { exact: true })));
      const tlog = await saved(page, page.getByText('.tlog-proof', { exact: true }));
      assert(tlog.name === 'entry-1.tlog-proof' && tlog.body.toString().startsWith('c2sp.org/tlog-proof@v1\nindex 1\n'), tlog.name);
      await page.goto(`${octro.address}/ledger/verify`);
      const own = await saved(page, page.getByText('verify.html', { exact: true }));
      assert(own.body.toString() === html, 'verify.html differs from the repository\'s');
    });
    await test(`entries are narrowed and read on, ${script} JavaScript`, async () => {
      await page.goto(`${octro.address}/ledger/entries`);
      await page.locator('select[name="type"]').selectOption('seal');
      await page.locator('form.filters button').click();
      assert(page.url().includes('type=seal'), page.url());
      const first = await page.locator('tbody tr').first().innerText();
      await page.locator('a[rel="next"]').click();
      assert(page.url().includes('before=') && (await page.locator('tbody tr').first().innerText()) !== first, page.url());
    });
    await test(`the key can be had, ${script} JavaScript`, async () => {
      await page.goto(`${octro.address}/ledger`);
      const button = page.locator('button[data-copy]');
      assert((await button.isVisible()) === javaScriptEnabled, 'the button is shown without a use, or not shown');
      assert((await page.locator('#log code').allInnerTexts()).includes(key), 'the page does not show the key');
      if (javaScriptEnabled) {
        await context.grantPermissions(['clipboard-read', 'clipboard-write']);
        await button.click();
        await page.getByText('Copied', { exact: true }).waitFor();
        assert((await page.evaluate(() => navigator.clipboard.readText())) === key, 'something else was copied');
      }
    });
    await test(`where nothing can be proved, a page says why, ${script} JavaScript`, async () => {
      const none = await page.goto(`${octro.address}/proofs/resource/nothing?key=x`);
      assert(none.status() === 409, `answered ${none.status()}`);
      if (javaScriptEnabled) {
        const found = await violations(page);
        assert(found.length === 0, found.join('\n'));
      }
    });
    // The browser itself reports the status of an answer that failed.
    const odd = said.filter((text) => !text.includes('the server responded with a status of'));
    await test(`the ledger's pages break no policy, ${script} JavaScript`, async () => assert(odd.length === 0, odd.join('\n')));
    await context.close();
  }
}

// Of a real company: the simulated one's clock may stand still.
async function sealNow(page, octro, { test, assert, violations }) {
  await test('a seal is asked for on a page', async () => {
    const seals = async () => (await (await fetch(`${octro.address}/api/v1/ledger`)).json()).seals;
    for (let tries = 0; tries < 120; tries += 1) {
      const [last] = await seals();
      if (last && Date.now() - Date.parse(last.written_at) > 11_000) break;
      await page.waitForTimeout(250);
    }
    const [before] = await seals();
    await page.goto(`${octro.address}/controls`);
    await page.locator('tbody tr a').first().click();
    await page.locator('#proof').waitFor();
    const at = page.url();
    await page.locator('#proof button', { hasText: 'Seal now' }).click();
    await page.waitForLoadState();
    assert(page.url() === at, `it leads to ${page.url()} and not back to ${at}`);
    const [after] = await seals();
    assert(after.n === before.n + 1 && after.entry !== null, `seal ${before.n}, then ${JSON.stringify(after)}`);
    await page.locator('#proof button', { hasText: 'Seal now' }).click();
    await page.getByText('The last seal was written only').waitFor();
    const found = await violations(page);
    assert(found.length === 0, found.join('\n'));
  });
}

module.exports = { ledger, sealNow };
