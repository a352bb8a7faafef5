// SPDX-License-Identifier: MIT
// What the guests in JavaScript share. See ../guests.py for what is printed.
'use strict';

const readline = require('node:readline');

const port = Number(process.argv[2]);
const input = readline.createInterface({input: process.stdin});

/** Runs one check: fine unless it throws. */
async function check(name, body) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}: ${String(error.stack || error).replace(/\s*\n\s*/g, ' | ')}`);
  }
}

/** Has the server killed with -9 and started again. */
async function killServer() {
  const answer = new Promise((resolve) => input.once('line', resolve));
  console.log('kill the server');
  await answer;
}

/** Waits until the condition holds. */
async function until(what, condition) {
  const deadline = Date.now() + 30000;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Runs all parts and ends the process. */
function main(...parts) {
  (async () => {
    for (const part of parts) await part();
    console.log('end');
    process.exit(0);
  })().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = {check, killServer, main, port, until};
