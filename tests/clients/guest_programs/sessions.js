// SPDX-License-Identifier: MIT
// Sessions of a web application: express, express-session and connect-redis.
'use strict';

const assert = require('node:assert');
const {check, killServer, main, port} = require('./common.js');
const express = require('express');
const session = require('express-session');
const {createClient} = require('redis');
const {RedisStore} = require('connect-redis');

let client, store, base;

async function startApplication() {
  client = createClient({socket: {port, host: '127.0.0.1', reconnectStrategy: 50}});
  client.on('error', () => {});
  await client.connect();
  store = new RedisStore({client, prefix: 'sess:', ttl: 120});
  const app = express();
  app.use(session({store, secret: 'x', resave: false, saveUninitialized: false}));
  app.get('/login', (request, response) => {
    request.session.user = request.query.user;
    request.session.visits = 0;
    response.send('welcome');
  });
  app.get('/visit', (request, response) => {
    if (!request.session.user) return response.status(401).send('who are you?');
    request.session.visits++;
    response.send(`${request.session.user} ${request.session.visits}`);
  });
  app.get('/logout', (request, response) => request.session.destroy(() => response.send('bye')));
  await new Promise((resolve) => {
    const listener = app.listen(0, '127.0.0.1', () => {
      base = `http://127.0.0.1:${listener.address().port}`;
      resolve();
    });
  });
}

/** A browser that keeps its cookie. */
class Browser {
  async get(path) {
    const response = await fetch(base + path, {headers: this.cookie ? {cookie: this.cookie} : {}});
    const cookie = response.headers.get('set-cookie');
    if (cookie) this.cookie = cookie.split(';')[0];
    return {status: response.status, text: await response.text()};
  }
}

async function sessions() {
  const ada = new Browser(), bob = new Browser();
  await check('log in, visit, two users apart', async () => {
    assert.strictEqual((await ada.get('/visit')).status, 401);
    assert.strictEqual((await ada.get('/login?user=ada')).text, 'welcome');
    assert.strictEqual((await bob.get('/login?user=bob')).text, 'welcome');
    for (let i = 1; i <= 5; i++) assert.strictEqual((await ada.get('/visit')).text, `ada ${i}`);
    assert.strictEqual((await bob.get('/visit')).text, 'bob 1');
  });
  await check('sessions are keys with a time to live', async () => {
    const keys = await client.keys('sess:*');
    assert.strictEqual(keys.length, 2);
    for (const key of keys) {
      const ttl = await client.ttl(key);
      assert.ok(ttl > 100 && ttl <= 120, `ttl ${ttl}`);
    }
  });
  await check('the store: length, ids, all, touch', async () => {
    const call = (name, ...args) => store[name](...args);
    assert.strictEqual(await call('length'), 2);
    const ids = await call('ids');
    assert.strictEqual(ids.length, 2);
    const all = await call('all');
    assert.deepStrictEqual(all.map((one) => one.user).sort(), ['ada', 'bob']);
    await client.expire(`sess:${ids[0]}`, 5);
    await call('touch', ids[0], {cookie: {}});
    assert.ok(await client.ttl(`sess:${ids[0]}`) > 100);
  });
  await check('kill -9: users stay logged in', async () => {
    await killServer();
    assert.strictEqual((await ada.get('/visit')).text, 'ada 6');
    assert.strictEqual((await bob.get('/visit')).text, 'bob 2');
  });
  await check('log out, and everybody out', async () => {
    assert.strictEqual((await ada.get('/logout')).text, 'bye');
    assert.strictEqual((await ada.get('/visit')).status, 401);
    assert.strictEqual((await bob.get('/visit')).text, 'bob 3');
    await store.clear();
    assert.strictEqual((await bob.get('/visit')).status, 401);
    assert.strictEqual((await client.keys('sess:*')).length, 0);
  });
}

main(startApplication, sessions);
