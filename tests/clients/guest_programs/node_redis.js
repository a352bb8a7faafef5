// SPDX-License-Identifier: MIT
// node-redis (npm: redis) as applications use it, in RESP3 and RESP2.
'use strict';

const assert = require('node:assert');
const {check, killServer, main, port, until} = require('./common.js');
const {createClient, WatchError} = require(process.env.PACKAGE || 'redis');

const open = [];

async function connect(options = {}) {
  const socket = {port, host: '127.0.0.1', reconnectStrategy: 50};
  const client = createClient({socket, ...options});
  client.on('error', () => {});  // lost connections come back by themselves
  await client.connect();
  open.push(client);
  return client;
}

async function collect(iterator) {
  const found = [];
  for await (const keys of iterator) found.push(...keys);
  return found;
}

async function handshake() {
  for (const RESP of [2, 3]) {
    await check(`RESP${RESP}: HELLO, CLIENT SETINFO, name and database`, async () => {
      const client = await connect({RESP, name: `guest${RESP}`, database: 2});
      assert.strictEqual(await client.ping(), 'PONG');
      const info = await client.clientInfo();
      assert.strictEqual(info.name, `guest${RESP}`);
      assert.strictEqual(info.db, 2);
      assert.strictEqual(info.resp, RESP);
      assert.match(info.libName, /node-redis/);
      assert.match(info.libVer, /^\d+\.\d+/);
    });
    await check(`RESP${RESP}: strings, counters, expiry, nulls, numbers`, async () => {
      const client = await connect({RESP});
      assert.strictEqual(await client.set('js', 'ü🪨', {EX: 60}), 'OK');
      assert.strictEqual(await client.get('js'), 'ü🪨');
      assert.ok(await client.ttl('js') > 50);
      assert.strictEqual(await client.set('js', '1', {NX: true}), null);
      assert.strictEqual(await client.get('nothing'), null);
      assert.deepStrictEqual(await client.mGet(['js', 'nothing']), ['ü🪨', null]);
      await client.del(['c', 'f']);
      assert.strictEqual(await client.incrBy('c', 7), 7);
      assert.strictEqual(Number(await client.incrByFloat('f', 2.5)), 2.5);
      assert.strictEqual(await client.exists(['js', 'c']), 2);
      const settings = await client.configGet('appendfsync');
      assert.deepStrictEqual({...settings}, {appendfsync: 'everysec'});
    });
    await check(`RESP${RESP}: errors reject with the server's text`, async () => {
      const client = await connect({RESP});
      await client.set('text', 'abc');
      await assert.rejects(client.incr('text'), /value is not an integer or out of range/);
      await assert.rejects(client.sendCommand(['NOSUCH', 'a']), /ERR unknown command 'NOSUCH'/);
    });
    await check(`RESP${RESP}: MULTI, and WATCH that loses`, async () => {
      const client = await connect({RESP});
      const replies = await client.multi().set('m', '1').incr('m').get('m').exec();
      assert.deepStrictEqual(replies, ['OK', 2, '2']);
      await client.watch('m');
      await (await connect()).set('m', 'by another');
      await assert.rejects(client.multi().set('m', 'mine').exec(), WatchError);
      assert.strictEqual(await client.get('m'), 'by another');
    });
    await check(`RESP${RESP}: scanIterator over 20,000 keys; cursors survive`, async () => {
      const client = await connect({RESP});
      const all = [];
      for (let i = 0; i < 20000; i++) all.push(client.set(`scan${RESP}:${i}`, i));
      assert.ok((await Promise.all(all)).every((reply) => reply === 'OK'));
      const found = await collect(client.scanIterator({MATCH: `scan${RESP}:*`, COUNT: 1000}));
      assert.strictEqual(new Set(found).size, 20000);
    });
  }
}

async function counters() {
  await check('20 clients count to 4000', async () => {
    const clients = await Promise.all(Array.from({length: 20}, () => connect()));
    await clients[0].del('js counted');
    await Promise.all(clients.map(async (client) => {
      for (let i = 0; i < 200; i++) await client.incr('js counted');
    }));
    assert.strictEqual(await clients[0].get('js counted'), '4000');
  });
}

async function killed() {
  await check('kill -9: the client comes back, what was answered is there', async () => {
    const client = await connect({database: 4});
    await client.set('kept', 'yes');
    const lost = [];
    let answered = 0, running = true;
    const counting = (async () => {
      while (running) {
        try {
          const reply = await client.incr('kills');
          if (reply <= answered) lost.push(`${reply} after ${answered}`);
          answered = reply;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    })();
    await until('500 answers', () => answered > 500);
    await killServer();
    const before = answered;
    await until('answers after the kill', () => answered > before + 500);
    running = false;
    await counting;
    assert.deepStrictEqual(lost, []);
    assert.strictEqual(await client.get('kept'), 'yes');
    assert.strictEqual(Number(await client.get('kills')), answered);
  });
  await check('close ends every connection', async () => {
    await Promise.all(open.map((client) => client.close()));
  });
}

main(handshake, counters, killed);
