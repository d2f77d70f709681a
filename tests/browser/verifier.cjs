// The script of `verify.html` in Node: every golden vector must come out as the Rust verifier says, with signatures checked
// by WebCrypto and by the page's own arithmetic. VECTORS names another folder of them. Ends with `N passed, N failed`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const crate = path.join(__dirname, '../../crates/verify');
const html = fs.readFileSync(path.join(crate, 'verify.html'), 'utf8');
const [, script] = html.match(/<script id="verifier">([\s\S]*?)<\/script>/);
const scope = { exports: {} };
new Function('module', script)(scope);
const verifier = scope.exports;

// The golden vectors, by name.
function vectors() {
  const folder = process.env.VECTORS || path.join(crate, 'vectors');
  return fs.readdirSync(folder).sort().map((file) => {
    const vector = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
    return { name: file.replace(/\.json$/, ''), ...vector };
  });
}

async function main() {
  const count = { passed: 0, failed: 0 };
  for (const webCrypto of [true, false]) {
    for (const { name, proof, logs, witnesses, required, now, expected } of vectors()) {
      verifier.useWebCrypto(webCrypto);
      const trust = { logs, witnesses, required, now: now === undefined ? undefined : BigInt(now) };
      let found;
      try {
        found = await verifier.verify(new TextEncoder().encode(proof), trust);
      } catch (error) {
        found = { outcome: 'failed', reason: error.stack };
      }
      if (JSON.stringify(sorted(found)) === JSON.stringify(sorted(expected))) {
        count.passed += 1;
      } else {
        count.failed += 1;
        console.log(`FAILED ${name}${webCrypto ? '' : ' without WebCrypto'}\n  found ${JSON.stringify(found, null, 1)}\n  expected ${JSON.stringify(expected, null, 1)}`);
      }
    }
    if (webCrypto && !verifier.usesWebCrypto()) {
      count.failed += 1;
      console.log('FAILED WebCrypto of this Node has no Ed25519');
    }
  }
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exitCode = count.failed === 0 ? 0 : 1;
}

const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

if (require.main === module) main();
module.exports = { vectors };
