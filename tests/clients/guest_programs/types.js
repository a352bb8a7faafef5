// SPDX-License-Identifier: MIT
// Hashes, lists, sets and sorted sets with node-redis, in RESP2 and RESP3, and with ioredis.
'use strict';

const assert = require('node:assert');
const {check, main, port} = require('./common.js');
const same = assert.deepStrictEqual;
const sorted = (list) => [...list].sort();

async function nodeRedis() {
  const {createClient} = require('redis');
  for (const RESP of [2, 3]) {
    const client = createClient({socket: {port, host: '127.0.0.1'}, RESP});
    await client.connect();
    await client.flushAll();
    await check(`node-redis RESP${RESP}: hashes`, async () => {
      same(await client.hSet('h', {name: 'ada', visits: 1}), 2);
      same({...await client.hGetAll('h')}, {name: 'ada', visits: '1'});
      same(await client.hmGet('h', ['name', 'nothing']), ['ada', null]);
      same(await client.hIncrBy('h', 'visits', 4), 5);
      same(sorted(await client.hKeys('h')), ['name', 'visits']);
      same(await client.hExpire('h', 'name', 100), [1]);
      const [ttl] = await client.hTTL('h', 'name');
      assert.ok(ttl > 90 && ttl <= 100);
      const seen = [];
      for await (const page of client.hScanIterator('h')) seen.push(...page);
      same(sorted(seen.map((entry) => entry.field)), ['name', 'visits']);
    });
    await check(`node-redis RESP${RESP}: lists`, async () => {
      same(await client.rPush('l', ['a', 'b', 'c']), 3);
      same(await client.lInsert('l', 'BEFORE', 'b', 'x'), 4);
      same(await client.lRange('l', 0, -1), ['a', 'x', 'b', 'c']);
      same(await client.lMove('l', 'm', 'RIGHT', 'LEFT'), 'c');
      same(await client.lmPop(['none', 'l'], 'LEFT', {COUNT: 2}), ['l', ['a', 'x']]);
      same({...await client.blPop(['none', 'l'], 1)}, {key: 'l', element: 'b'});
      same(await client.blPop('l', 0.01), null);
    });
    await check(`node-redis RESP${RESP}: sets`, async () => {
      same(await client.sAdd('s', ['a', 'b', 'c']), 3);
      same(await client.sAdd('t', ['b', 'd']), 2);
      same(sorted(await client.sMembers('s')), ['a', 'b', 'c']);
      same(await client.sInter(['s', 't']), ['b']);
      same(sorted(await client.sUnion(['s', 't'])), ['a', 'b', 'c', 'd']);
      same(Number(await client.sIsMember('s', 'a')), 1);
      same(sorted(await client.sPopCount('s', 3)), ['a', 'b', 'c']);
    });
    await check(`node-redis RESP${RESP}: sorted sets`, async () => {
      same(await client.zAdd('z', [{value: 'ada', score: 3}, {value: 'bob', score: 1.5}]), 2);
      same((await client.zRangeWithScores('z', 0, -1)).map((one) => [one.value, one.score]), [['bob', 1.5], ['ada', 3]]);
      same(await client.zIncrBy('z', 2, 'bob'), 3.5);
      same(await client.zScore('z', 'ada'), 3);
      same(await client.zRank('z', 'bob'), 1);
      same(await client.zRange('z', '(3', '+inf', {BY: 'SCORE'}), ['bob']);
      const {value, score} = await client.zPopMin('z');
      same([value, score], ['ada', 3]);
    });
    await client.close();
  }
}

async function ioredis() {
  const Redis = require('ioredis');
  const client = new Redis(port, '127.0.0.1');
  await client.flushall();
  await check('ioredis: hashes and lists', async () => {
    same(await client.hset('h', new Map([['a', 1], ['b', 2]])), 2);
    same(await client.hgetall('h'), {a: '1', b: '2'});
    same(await client.hmget('h', 'a', 'x'), ['1', null]);
    const found = [];
    for await (const page of client.hscanStream('h')) found.push(...page);
    same(found.length, 4);
    same(await client.lpush('l', 1, 2, 3), 3);
    same(await client.lrange('l', 0, -1), ['3', '2', '1']);
    const waiting = client.duplicate();
    const popped = waiting.brpop('later', 10);
    await client.lpush('later', 'now');
    same(await popped, ['later', 'now']);
    waiting.disconnect();
  });
  await check('ioredis: sets and sorted sets, in a transaction too', async () => {
    same(await client.multi().sadd('s', 'a', 'b').zadd('z', 1, 'a', 2, 'b').smembers('s').zrange('z', 0, -1, 'WITHSCORES')
             .exec().then((all) => all.map(([error, reply]) => error || (reply.sort ? sorted(reply) : reply))),
         [2, 2, ['a', 'b'], ['1', '2', 'a', 'b']]);
    same(await client.zrevrange('z', 0, 0, 'WITHSCORES'), ['b', '2']);
    same(await client.zrangebyscore('z', '(1', '+inf'), ['b']);
    await assert.rejects(client.lpush('z', 1), /WRONGTYPE/);
  });
  await client.quit();
}

main(nodeRedis, ioredis);
