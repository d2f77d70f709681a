// Judges checkpoints and inclusion proofs of Octro with Sigstore's verifier (npm @sigstore/verify). Octro's own code takes
// no part in it.
//
//   node sigstore.cjs checkpoint NOTE KEY...
//   node sigstore.cjs inclusion PROOF LEAF KEY...
//   node sigstore.cjs cases FOLDER...     all cases that it can judge; ends with `N passed, N failed`
//
// It is found in NODE_PATH, or in the folder from which this is called.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

// These two are not in the package's index; a package's `exports` does not stand in the way of a file's path.
const named = (process.env.NODE_PATH || '').split(path.delimiter).filter(Boolean);
const roots = [...named, 'node_modules'].map((one) => path.resolve(one));
const root = roots.find((one) => fs.existsSync(path.join(one, '@sigstore/verify/package.json')));
if (!root) {
  console.error('@sigstore/verify is not there; install it with `npm install @sigstore/verify@3.1.1`');
  process.exit(2);
}
const { verifyCheckpoint } = require(path.join(root, '@sigstore/verify/dist/tlog/checkpoint.js'));
const { verifyMerkleInclusion } = require(path.join(root, '@sigstore/verify/dist/tlog/merkle.js'));

// A file that was promised and cannot be read, or a key that is none: no judgement at all.
class Unreadable extends Error {}

function read(file, encoding) {
  try {
    return fs.readFileSync(file, encoding);
  } catch (error) {
    throw new Unreadable(error.message);
  }
}

// What Sigstore takes for a transparency log: its key, and the key's id.
function authority(text) {
  const [, name, id, key] = text.match(/^([^+]+)\+([0-9a-f]{8})\+(.+)$/) || [];
  const bytes = Buffer.from(key || '', 'base64');
  if (bytes.length !== 33 || bytes[0] !== 1) throw new Unreadable(`the key ${text} is not name+id+base64 of an Ed25519 key`);
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes.subarray(1)]);
  return {
    baseURL: name,
    logID: Buffer.from(id, 'hex'),
    publicKey: crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }),
  };
}

function checkpoint(note, keys) {
  const entry = { inclusionProof: { checkpoint: { envelope: note } } };
  return verifyCheckpoint(entry, keys.map(authority));
}

function inclusion(proof, leaf, keys) {
  const at = proof.indexOf('\n\n');
  const [first, index, ...hashes] = proof.slice(0, at).split('\n');
  if (at < 0 || first !== 'c2sp.org/tlog-proof@v1' || !/^index \d+$/.test(index)) throw new Error('the file is no tlog-proof');
  const signed = checkpoint(proof.slice(at + 2), keys);
  const inclusionProof = {
    logIndex: index.slice('index '.length),
    hashes: hashes.map((hash) => Buffer.from(hash, 'base64')),
  };
  verifyMerkleInclusion({ inclusionProof, canonicalizedBody: leaf }, signed);
}

function judge(folder, one) {
  const text = (file) => read(path.join(folder, file), 'utf8');
  if (one.kind === 'checkpoint') checkpoint(text(one.note), one.keys);
  else inclusion(text(one.proof), read(path.join(folder, one.leaf)), one.keys);
}

// It knows neither witnesses nor consistency, and makes no tree anew.
const canJudge = (one) => ['checkpoint', 'inclusion'].includes(one.kind) && one.breaks !== 'cosignature';

function cases(folders) {
  const count = { passed: 0, failed: 0 };
  for (const folder of folders) {
    for (const one of JSON.parse(read(path.join(folder, 'cases.json'), 'utf8')).filter(canJudge)) {
      let found;
      try {
        judge(folder, one);
      } catch (error) {
        found = error;
      }
      if (!(found instanceof Unreadable) && (found === undefined) === one.good) {
        count.passed += 1;
        if (process.env.VERBOSE) console.log(`ok ${one.name}: ${found ? found.message : 'good'}`);
      } else {
        count.failed += 1;
        console.log(`FAILED ${one.name}: expected good=${one.good}, found: ${found ? found.message : 'good'}`);
      }
    }
  }
  console.log(`${count.passed} passed, ${count.failed} failed`);
  if (count.failed > 0 || count.passed === 0) process.exitCode = 1;
}

function main([command, ...rest]) {
  if (command === 'cases' && rest.length >= 1) return cases(rest);
  try {
    if (command === 'checkpoint' && rest.length >= 2) {
      const { logSize, logHash } = checkpoint(read(rest[0], 'utf8'), rest.slice(1));
      console.log(`good: ${logSize} entries, root ${logHash.toString('base64')}`);
    } else if (command === 'inclusion' && rest.length >= 3) {
      inclusion(read(rest[0], 'utf8'), read(rest[1]), rest.slice(2));
      console.log('good: the leaf is in the log');
    } else {
      console.error('sigstore.cjs checkpoint NOTE KEY... | inclusion PROOF LEAF KEY... | cases FOLDER...');
      process.exitCode = 2;
    }
  } catch (error) {
    console.error(`refused: ${error.message}`);
    process.exitCode = 1;
  }
}

main(process.argv.slice(2));
