// SPDX-License-Identifier: MIT
// ioredis as applications use it.
'use strict';

const assert = require('node:assert');
const {check, killServer, main, port, until} = require('./common.js');
const Redis = require(process.env.PACKAGE || 'ioredis');

const create = (options = {}) => {
  const client = new (Redis.default || Redis)(
      port, '127.0.0.1', {retryStrategy: () => 50, ...options});
  client.on('error', () => {});
  return client;
};

async function basics() {
  await check('connects with its ready check, name and database', async () => {
    const client = create({connectionName: 'io-guest', db: 3});
    await new Promise((resolve) => client.once('ready', resolve));
    const info = await client.client('INFO');
    assert.match(info, / name=io-guest .* db=3 /);
    assert.match(info, /lib-name=ioredis/);
    await client.quit();
  });
  await check('strings, buffers, nulls, counters, expiry', async () => {
    const client = create();
    const bytes = Buffer.from(Array.from({length: 256}, (_, i) => i));
    await client.set('io:bytes', bytes, 'EX', 60);
    assert.ok(bytes.equals(await client.getBuffer('io:bytes')));
    assert.ok(await client.pttl('io:bytes') > 50000);
    assert.deepStrictEqual(await client.mget('io:bytes2', 'io:nothing'), [null, null]);
    await client.mset({'io:a': 1, 'io:b': 2});
    assert.strictEqual(await client.incrby('io:a', 4), 5);
    await assert.rejects(client.incr('io:bytes'), /ERR value is not an integer/);
    await client.quit();
  });
  await check('pipeline of 10,000, auto pipelining', async () => {
    const client = create({enableAutoPipelining: true});
    const pipeline = client.pipeline();
    for (let i = 0; i < 10000; i++) pipeline.set(`io:p:${i}`, i);
    const results = await pipeline.exec();
    assert.ok(results.every(([error, reply]) => error === null && reply === 'OK'));
    const read = await Promise.all(Array.from({length: 1000}, (_, i) => client.get(`io:p:${i}`)));
    assert.deepStrictEqual(read, Array.from({length: 1000}, (_, i) => String(i)));
    await client.quit();
  });
  await check('multi: results, an error inside, discard, watch', async () => {
    const client = create(), other = create();
    assert.deepStrictEqual(await client.multi().set('io:m', 1).incr('io:m').exec(),
                           [[null, 'OK'], [null, 2]]);
    const mixed = await client.multi().set('io:m', 'x').incr('io:m').get('io:m').exec();
    assert.match(mixed[1][0].message, /not an integer/);
    assert.deepStrictEqual(mixed[2], [null, 'x']);
    await assert.rejects(client.multi().call('NOSUCH').exec(), /EXECABORT/);
    await client.watch('io:m');
    await other.set('io:m', 'y');
    assert.strictEqual(await client.multi().set('io:m', 'z').exec(), null);
    await Promise.all([client.quit(), other.quit()]);
  });
  await check('scanStream: every key; cursors survive', async () => {
    const client = create();
    const found = new Set();
    for await (const keys of client.scanStream({match: 'io:p:*', count: 500}))
      keys.forEach((key) => found.add(key));
    assert.strictEqual(found.size, 10000);
    await client.quit();
  });
  await check('monitor', async () => {
    const client = create();
    const monitor = await client.monitor();
    const seen = new Promise((resolve) => monitor.on('monitor', (time, args) => {
      if (args[1] === 'io:seen') resolve(args);
    }));
    await client.set('io:seen', 'by monitor');
    assert.deepStrictEqual((await seen).slice(1), ['io:seen', 'by monitor']);
    monitor.disconnect();
    await client.quit();
  });
}

/** A lock without scripts: SET NX PX takes it, WATCH GET MULTI DEL gives it back. */
async function withLock(client, name, body) {
  const token = `${process.pid}:${Math.random()}`;
  await until('the lock is free', () => client.set(name, token, 'PX', 30000, 'NX'));
  try {
    return await body();
  } finally {
    await client.watch(name);
    if (await client.get(name) === token)
      assert.deepStrictEqual(await client.multi().del(name).exec(), [[null, 1]]);
    else
      await client.unwatch();
  }
}

async function locks() {
  await check('20 clients take turns with a lock', async () => {
    const clients = Array.from({length: 20}, () => create());
    await clients[0].del('io:unsafe');
    let inside = 0, most = 0;
    await Promise.all(clients.map(async (client) => {
      for (let i = 0; i < 5; i++) {
        await withLock(client, 'io:lock', async () => {
          most = Math.max(most, ++inside);
          await client.set('io:unsafe', Number(await client.get('io:unsafe')) + 1);
          inside--;
        });
      }
    }));
    assert.deepStrictEqual([most, await clients[0].get('io:unsafe')], [1, '100']);
    await Promise.all(clients.map((client) => client.quit()));
  });
}

async function killed() {
  await check('kill -9: the client comes back, what was answered is there', async () => {
    const client = create({maxRetriesPerRequest: null});
    await client.set('io:kept', 'yes');
    const lost = [];
    let answered = 0, running = true;
    const counting = (async () => {
      while (running) {
        const reply = await client.incr('io:kills');  // sent again after the kill
        if (reply <= answered) lost.push(`${reply} after ${answered}`);
        answered = reply;
      }
    })();
    await until('500 answers', () => answered > 500);
    await killServer();
    const before = answered;
    await until('answers after the kill', () => answered > before + 500);
    running = false;
    await counting;
    assert.deepStrictEqual(lost, []);
    assert.strictEqual(await client.get('io:kept'), 'yes');
    assert.strictEqual(Number(await client.get('io:kills')), answered);
    await client.quit();
  });
}

main(basics, locks, killed);
