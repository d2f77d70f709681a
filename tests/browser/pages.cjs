// Every page of the demo company: name and address. Details are taken from the API, so that they exist.
'use strict';

async function rows(address, what) {
  const answer = await fetch(`${address}/api/v1/${what}`);
  if (!answer.ok) throw new Error(`/api/v1/${what} answered ${answer.status}`);
  const body = await answer.json();
  return Array.isArray(body) ? body : body.rows || body[what.split('?')[0]] || body.items;
}

async function pages(address) {
  const [failing] = await rows(address, 'results?status=fail&per=1');
  const resource = `${encodeURIComponent(failing.kind)}/${failing.key.split('/').map(encodeURIComponent).join('/')}`;
  const [transition] = await rows(address, 'ledger/entries?type=transition&per=1');
  const [seal] = await rows(address, 'ledger/entries?type=seal&per=1');
  const why = new URLSearchParams({ test: failing.test, kind: failing.kind, key: failing.key });
  return [
    ['overview', '/'],
    ['overview-past', '/?as_of=2026-03-03T09:00:00Z'],
    ['controls', '/controls'],
    ['controls-failing', '/controls?status=fail'],
    ['control', '/controls/EP-01'],
    ['control-past', '/controls/EP-01?as_of=2026-03-03T09:00:00Z&known_at=2026-04-01T00:00:00Z'],
    ['tests', '/tests'],
    ['test', '/tests/device.encrypted'],
    ['resources', '/resources'],
    ['resources-devices', '/resources?kind=device'],
    ['resources-none', '/resources?kind=device&text=nothing-has-this-name'],
    ['resource', `/resources/${resource}`],
    ['results', '/results'],
    ['results-failing', '/results?status=fail'],
    ['why', `/why?${why}`],
    ['sources', '/sources'],
    ['source', '/sources/cloud'],
    ['period', '/period?subject=control&id=EP-01&from=2026-01-01&to=2026-04-01'],
    ['period-test', '/period?subject=test&id=device.encrypted&from=2026-01-01&to=2026-04-01'],
    ['ledger', '/ledger'],
    ['ledger-past', '/ledger?as_of=2026-03-03T09:00:00Z'],
    ['ledger-entries', '/ledger/entries'],
    ['ledger-seals', '/ledger/entries?type=seal'],
    ['ledger-none', '/ledger/entries?type=erasure'],
    ['ledger-transition', `/ledger/entries/${transition.index}`],
    ['ledger-seal', `/ledger/entries/${seal.index}`],
    ['ledger-verify', '/ledger/verify'],
    ['principles', '/principles'],
    ['data', '/data'],
    ['exposure', '/exposure'],
    ['exposure-past', '/exposure?as_of=2026-03-03T09:00:00Z'],
    ['exposure-none', '/exposure?q=nothing-has-this-name'],
    ['coverage', '/coverage'],
    ['coverage-past', '/coverage?as_of=2025-10-20T09:00:00Z'],
    ['certificates', '/certificates'],
    ['frameworks', '/frameworks'],
    ['framework', '/frameworks/nist-csf-2.0'],
    ['policies', '/policies'],
    ['policy', '/policies/endpoints'],
    ['claims', '/claims'],
    ['program', '/program'],
    ['search', '/search?q=encrypt'],
    ['search-none', '/search?q=zzzzzz'],
  ];
}

module.exports = { pages };
