// SPDX-License-Identifier: MIT
// A chat between ioredis clients: messages by publish/subscribe, the history in a list, who is there
// in a set, who says most in a sorted set.
'use strict';

const assert = require('node:assert');
const {check, killServer, main, port, until} = require('./common.js');
const Redis = require(process.env.PACKAGE || 'ioredis');

const create = () => {
  const client = new (Redis.default || Redis)(port, '127.0.0.1', {retryStrategy: () => 50, maxRetriesPerRequest: null});
  client.on('error', () => {});
  return client;
};

/** Somebody in the chat: one connection listens, the other speaks. */
class Person {
  constructor(name) {
    this.name = name;
    this.heard = [];
    this.ears = create();
    this.mouth = create();
    this.ears.on('message', (room, text) => this.heard.push(`${room} ${text}`));
    this.ears.on('pmessage', (pattern, room, text) => this.heard.push(`(${pattern}) ${room} ${text}`));
  }

  async enter(room) {
    await this.ears.subscribe(room);
    await this.mouth.sadd(`${room}:there`, this.name);
  }

  async say(room, text) {
    const replies = await this.mouth.multi().rpush(`${room}:history`, `${this.name}: ${text}`)
                        .ltrim(`${room}:history`, -100, -1).zincrby(`${room}:talkers`, 1, this.name)
                        .publish(room, `${this.name}: ${text}`).exec();
    return replies[3][1];
  }

  async leave() {
    await Promise.all([this.ears.quit(), this.mouth.quit()]);
  }
}

async function chat() {
  const ada = new Person('ada'), bob = new Person('bob');
  await check('two people hear each other, in order', async () => {
    await ada.enter('room:1');
    await bob.enter('room:1');
    for (let i = 0; i < 200; i++) assert.strictEqual(await (i % 2 ? ada : bob).say('room:1', `line ${i}`), 2);
    const wanted = Array.from({length: 200}, (_, i) => `room:1 ${i % 2 ? 'ada' : 'bob'}: line ${i}`);
    await until('all lines', () => ada.heard.length === 200 && bob.heard.length === 200);
    assert.deepStrictEqual([ada.heard, bob.heard], [wanted, wanted]);
  });
  await check('the history, who is there, who says most', async () => {
    const history = await ada.mouth.lrange('room:1:history', 0, -1);
    assert.strictEqual(history.length, 100);
    assert.strictEqual(history[99], 'ada: line 199');
    assert.deepStrictEqual((await ada.mouth.smembers('room:1:there')).sort(), ['ada', 'bob']);
    assert.deepStrictEqual(await ada.mouth.zrevrange('room:1:talkers', 0, -1, 'WITHSCORES'), ['bob', '100', 'ada', '100']);
  });
  await check('patterns, other rooms, leaving a room', async () => {
    await bob.ears.psubscribe('room:*');
    bob.heard.length = ada.heard.length = 0;
    assert.strictEqual(await ada.say('room:2', 'anybody?'), 1);
    await until('a message by pattern', () => bob.heard.length === 1);
    assert.deepStrictEqual(bob.heard, ['(room:*) room:2 ada: anybody?']);
    await ada.ears.unsubscribe('room:1');
    assert.strictEqual(await bob.say('room:1', 'to myself'), 2);
    await until('both of mine', () => bob.heard.length === 3);
    assert.deepStrictEqual(ada.heard, []);
    assert.strictEqual((await ada.mouth.pubsub('NUMSUB', 'room:1'))[1], 1);
  });
  await check('kill -9: both subscribe again by themselves, the history is there', async () => {
    const before = await ada.mouth.lrange('room:1:history', 0, -1);
    await killServer();
    await until('bob listens', async () => (await ada.mouth.publish('room:1', 'x')) === 2);
    assert.deepStrictEqual(await ada.mouth.lrange('room:1:history', 0, -1), before);
    bob.heard.length = 0;
    await ada.say('room:1', 'back');
    await until('bob hears', () => bob.heard.includes('room:1 ada: back'));
  });
  await check('leaving', () => Promise.all([ada.leave(), bob.leave()]));
}

main(chat);
