// Subscriptions over one WebSocket: a small client of graphql-transport-ws.
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

/** @typedef {{ query: string, variables: Record<string, any>, next: (data: any) => void, again: () => void }} Subscription */

/** @type {Map<string, Subscription>} */
const open = new Map();
/** @type {WebSocket | null} */
let socket = null;
let isReady = false;
let attempt = 0;
let named = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Follows a subscription until the returned function is called.
 * @param {string} query
 * @param {Record<string, any>} variables
 * @param {(data: any) => void} next each event
 * @param {() => void} [again] the connection was lost and is back: something may have been missed
 */
export function follow(query, variables, next, again = () => {}) {
  named += 1;
  const id = String(named);
  open.set(id, { query, variables, next, again });
  if (isReady) subscribe(id);
  else connect();
  return () => {
    if (!open.delete(id)) return;
    if (isReady) send({ id, type: 'complete' });
    if (open.size === 0) disconnect();
  };
}

/** Connects anew, as whoever is signed in now. */
export function reconnect() {
  if (!socket) return;
  disconnect();
  if (open.size > 0) connect();
}

/** @param {object} message */
const send = (message) => socket?.send(JSON.stringify(message));

/** @param {string} id */
function subscribe(id) {
  const wanted = open.get(id);
  if (wanted) send({ id, type: 'subscribe', payload: { query: wanted.query, variables: wanted.variables } });
}

function disconnect() {
  clearTimeout(timer);
  const old = socket;
  socket = null;
  isReady = false;
  old?.close(1000);
}

function connect() {
  if (socket) return;
  clearTimeout(timer);
  const mine = new WebSocket(new URL('/graphql', location.href.replace(/^http/, 'ws')), 'graphql-transport-ws');
  socket = mine;
  mine.onopen = () => mine.send('{"type":"connection_init"}');
  mine.onmessage = (event) => receive(mine, JSON.parse(event.data));
  mine.onclose = () => {
    if (socket !== mine) return;
    socket = null;
    isReady = false;
    if (open.size === 0) return;
    attempt += 1;
    timer = setTimeout(connect, Math.min(10_000, 300 * 2 ** Math.min(attempt, 6)));
  };
}

/** @param {WebSocket} mine @param {{ type: string, id: string, payload: any }} message */
function receive(mine, message) {
  if (socket !== mine) return;
  if (message.type === 'connection_ack') {
    const isReturn = attempt > 0;
    isReady = true;
    attempt = 0;
    for (const [id, one] of [...open]) {
      subscribe(id);
      if (isReturn) one.again();
    }
  } else if (message.type === 'ping') send({ type: 'pong' });
  else if (message.type === 'next') {
    if (message.payload.data) open.get(message.id)?.next(message.payload.data);
  } else if (message.type === 'complete' || message.type === 'error') open.delete(message.id);
}

window.addEventListener('online', () => { if (open.size > 0 && !socket) connect(); });
