// Servers with an empty database, a browser, and people who use the pages.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const HERE = dirname(fileURLToPath(import.meta.url));
const BINARY =
  process.env.SWITCHBOARD ?? join(process.env.CARGO_TARGET_DIR ?? join(HERE, '../../target'), 'debug/switchboard');
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Why the browser tests cannot run; false where they can. */
export const skip = existsSync(CHROMIUM) || process.env.CI ? false : `no browser at ${CHROMIUM}`;

/** A port that is free now. @returns {Promise<number>} */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** A server process with a database of its own. */
export class Server {
  /**
   * @param {{ isDemo?: boolean, flags?: string[], host?: string }} [options]
   *   `host`: the name under which browsers reach it over plain HTTP; 127.0.0.1 without one
   */
  static async start({ isDemo = true, flags = [], host = '127.0.0.1' } = {}) {
    assert.ok(existsSync(BINARY), `${BINARY} is missing: cargo build`);
    const server = new Server();
    server.host = host;
    server.folder = mkdtempSync(join(tmpdir(), 'switchboard-web-'));
    server.port = await freePort();
    server.isDemo = isDemo;
    const isNamed = host !== '127.0.0.1';
    server.flags = isNamed ? [...flags, '--plain-http-lan'] : flags;
    await server.run();
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The origin for browsers. */
  get pageUrl() {
    return `http://${this.host}:${this.port}`;
  }

  /** Starts the process; after `kill` it goes on with the same data. */
  async run() {
    this.process = spawn(
      BINARY,
      [
        'serve',
        ...(this.isDemo ? ['--demo'] : []),
        '--data-dir',
        join(this.folder, 'data'),
        '--listen',
        `127.0.0.1:${this.port}`,
        ...this.flags,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: join(HERE, '../..') },
    );
    this.log = '';
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on('data', (text) => {
        this.log += text;
      });
    for (let attempt = 0; attempt < 300; attempt += 1) {
      if (
        await fetch(`${this.url}/readyz`).then(
          (answer) => answer.ok,
          () => false,
        )
      )
        return;
      assert.equal(this.process.exitCode, null, this.log);
      await pause(100);
    }
    throw new Error(`the server does not answer: ${this.log}`);
  }

  async kill() {
    const gone = new Promise((resolve) => {
      this.process.once('exit', resolve);
    });
    this.process.kill('SIGTERM');
    await Promise.race([gone, pause(5000).then(() => this.process.kill('SIGKILL'))]);
  }

  async stop() {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * Asks as a client would.
   * @param {string} query
   * @param {Record<string, any>} [variables]
   * @param {string} [token]
   * @returns {Promise<any>}
   */
  async ask(query, variables, token) {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const answer = await (
      await fetch(`${this.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
    ).json();
    assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
    return answer.data;
  }

  /**
   * Changes something, which must succeed.
   * @param {string} token
   * @param {string} name
   * @param {any} input
   * @param {string} [selection]
   */
  async change(token, name, input, selection = '__typename') {
    const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
    const data = await this.ask(
      `mutation($input:${type}!){${name}(input:$input){${selection} errors{message path}}}`,
      { input },
      token,
    );
    assert.deepEqual(data[name].errors, [], name);
    return data[name];
  }

  /** @param {string} login @param {string} [password] @returns {Promise<string>} */
  async signIn(login, password = 'numberwang') {
    return (await this.change('', 'signIn', { login, password }, 'token')).token;
  }

  /** The link with a token in the newest mail to an address. @param {string} address */
  async linkFor(address) {
    const folder = join(this.folder, 'data/mail');
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const mails = existsSync(folder)
        ? readdirSync(folder)
            .filter((name) => name.endsWith('.eml'))
            .sort()
        : [];
      const links = mails
        .map((name) =>
          readFileSync(join(folder, name), 'utf8')
            .replace(/=\r?\n/g, '')
            .replace(/=3D/g, '='),
        )
        .filter((mail) => mail.includes(address))
        .map((mail) => /(\/[a-z]+)#token=([\w-]+)/.exec(mail))
        .filter(Boolean);
      const last = links.at(-1);
      if (last) return `${this.url}${last[1]}#token=${last[2]}`;
      await pause(100);
    }
    throw new Error(`no mail to ${address}`);
  }
}

/** Starts a browser. @param {string[]} [flags] */
export const launch = (flags = []) => chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...flags] });

/** A person with a browser. Counts clicks; records console errors and requests to other hosts. */
export class Person {
  /**
   * @param {import('playwright-core').Browser} browser
   * @param {Server} server
   * @param {{ login?: string, width?: number, scheme?: 'light' | 'dark', locale?: string,
   *   permissions?: string[] }} [options]
   */
  static async enter(
    browser,
    server,
    { login, width = 360, scheme = 'light', locale = 'en-GB', permissions = [] } = {},
  ) {
    const person = new Person();
    person.server = server;
    person.context = await browser.newContext({
      baseURL: server.pageUrl,
      colorScheme: scheme,
      reducedMotion: 'reduce',
      locale,
      permissions,
      viewport: { width, height: width < 600 ? 740 : 900 },
    });
    person.context.setDefaultTimeout(8000);
    if (login) {
      const answer = await person.context.request.post('/graphql', {
        headers: { origin: server.url },
        data: {
          query: 'mutation($input:SignInInput!){signIn(input:$input){errors{message}}}',
          variables: { input: { login, password: 'numberwang' } },
        },
      });
      assert.deepEqual((await answer.json()).data.signIn.errors, []);
    }
    person.clicks = 0;
    person.problems = [];
    person.page = await person.context.newPage();
    person.watch(person.page);
    return person;
  }

  /** Records requests to other hosts and console errors. @param {import('playwright-core').Page} page */
  watch(page) {
    page.on('request', (request) => {
      if (!request.url().startsWith(this.server.pageUrl) && !/^(data|blob):/.test(request.url()))
        this.problems.push(`foreign request: ${request.url()}`);
    });
    page.on('console', (message) => {
      // Over plain HTTP browsers ignore this header and say so.
      const isExpected = message.text().startsWith('The Cross-Origin-Opener-Policy header has been ignored');
      if (message.type() === 'error' && !isExpected) this.problems.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.problems.push(`error: ${error.message}`));
  }

  /** @param {string} path */
  async opens(path) {
    await this.page.goto(path);
    await this.page.locator('main h1').first().waitFor();
  }

  /**
   * Clicks a button, a link or a switch with an accessible name.
   * @param {string | RegExp | import('playwright-core').Locator} what
   * @param {string} [role]
   */
  async click(what, role = 'button') {
    const target =
      typeof what === 'string' || what instanceof RegExp
        ? this.page.getByRole(role, { name: what, exact: typeof what === 'string' })
        : what;
    await target.first().click();
    this.clicks += 1;
  }

  /** @param {string | RegExp} label @param {string} text */
  async types(label, text) {
    await this.page.getByLabel(label, { exact: typeof label === 'string' }).fill(text);
  }

  /** @param {string | RegExp} text */
  async sees(text) {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  async leaves() {
    await this.context.close();
    assert.deepEqual(this.problems, []);
  }
}
