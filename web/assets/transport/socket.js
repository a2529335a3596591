// Subscriptions over one WebSocket: a small client of graphql-transport-ws.
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

/** @typedef {import('../../types/api.js').Operations} Operations */
/**
 * @typedef {{ text: string, variables: object, onNext: (data: never) => void, onReconnect: () => void }} Subscription
 */

/** @type {Map<string, Subscription>} */
const subscriptions = new Map();
/** @type {WebSocket | null} */
let socket = null;
let isAcknowledged = false;
let failedAttempts = 0;
let lastId = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let reconnectTimer;

/**
 * Subscribes until the returned function is called.
 * @template {keyof Operations} Name
 * @param {import('../../types/graphql.js').Document<Name>} document
 * @param {Operations[Name]['variables']} variables
 * @param {(data: Operations[Name]['data']) => void} onNext called for each event
 * @param {() => void} [onReconnect] called after a lost connection: events may be missing
 */
export function subscribe(document, variables, onNext, onReconnect = () => {}) {
  lastId += 1;
  const id = String(lastId);
  subscriptions.set(id, { text: document.text, variables, onNext, onReconnect });
  if (isAcknowledged) sendSubscription(id);
  else connect();
  return () => {
    if (!subscriptions.delete(id)) return;
    if (isAcknowledged) send({ id, type: 'complete' });
    if (subscriptions.size === 0) disconnect();
  };
}

/** Connects again with the present session. */
export function reconnect() {
  if (!socket) return;
  disconnect();
  if (subscriptions.size > 0) connect();
}

/** @param {object} message */
const send = (message) => socket?.send(JSON.stringify(message));

/** @param {string} id */
function sendSubscription(id) {
  const subscription = subscriptions.get(id);
  if (!subscription) return;
  const { text, variables } = subscription;
  send({ id, type: 'subscribe', payload: { query: text, variables } });
}

function disconnect() {
  clearTimeout(reconnectTimer);
  const closing = socket;
  socket = null;
  isAcknowledged = false;
  closing?.close(1000);
}

function connect() {
  if (socket) return;
  clearTimeout(reconnectTimer);
  const opened = new WebSocket(new URL('/graphql', location.href.replace(/^http/, 'ws')), 'graphql-transport-ws');
  socket = opened;
  opened.onopen = () => opened.send('{"type":"connection_init"}');
  opened.onmessage = (event) => {
    if (socket === opened) receive(JSON.parse(event.data));
  };
  opened.onclose = () => {
    if (socket !== opened) return;
    socket = null;
    isAcknowledged = false;
    if (subscriptions.size === 0) return;
    failedAttempts += 1;
    reconnectTimer = setTimeout(connect, Math.min(10_000, 300 * 2 ** Math.min(failedAttempts, 6)));
  };
}

/** @param {{ type: string, id: string, payload: { data?: never } }} message */
function receive(message) {
  if (message.type === 'connection_ack') {
    const isReconnect = failedAttempts > 0;
    isAcknowledged = true;
    failedAttempts = 0;
    for (const [id, subscription] of [...subscriptions]) {
      sendSubscription(id);
      if (isReconnect) subscription.onReconnect();
    }
  } else if (message.type === 'ping') send({ type: 'pong' });
  else if (message.type === 'next') {
    if (message.payload.data) subscriptions.get(message.id)?.onNext(message.payload.data);
  } else if (message.type === 'complete' || message.type === 'error') subscriptions.delete(message.id);
}

window.addEventListener('online', () => {
  if (subscriptions.size > 0 && !socket) connect();
});
