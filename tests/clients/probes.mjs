// Probes a server of graphql-transport-ws: messages and close codes as the protocol defines them.
// node probes.mjs ws://127.0.0.1:PORT/graphql AUTHORIZATION SUBSCRIPTION
import WebSocket from 'ws';

const [url, authorization, subscription] = process.argv.slice(2);
const TIMEOUT_MS = 20_000;
const init = { type: 'connection_init', payload: { authorization } };
const subscribe = (id, query) => ({ type: 'subscribe', id, payload: { query } });
const afterAck = (...messages) => (message, send) => {
  if (message.type === 'connection_ack') messages.forEach(send);
};

// Each probe: the messages sent at once (`first`), the reply to a message (`reply`), and the expected message (`matches`)
// or close codes (`closes`). `mayRefuse` also accepts a refused handshake.
const probes = [
  { name: 'an init is acknowledged', first: [init], matches: (message) => message.type === 'connection_ack' },
  {
    name: 'a ping is answered',
    first: [init],
    reply: afterAck({ type: 'ping' }),
    matches: (message) => message.type === 'pong',
  },
  {
    name: 'a query is answered',
    first: [init],
    reply: afterAck(subscribe('q', '{ __typename }')),
    matches: (message) => message.type === 'next' && message.id === 'q',
  },
  {
    name: 'an invalid document is an error of its operation',
    first: [init],
    reply: afterAck(subscribe('w', '{ nothing }')),
    matches: (message) => message.type === 'error' && message.id === 'w',
  },
  { name: 'a subscription before the acknowledgement', first: [subscribe('s', '{ __typename }')], closes: [4401] },
  { name: 'a second init', first: [init, init], closes: [4429] },
  { name: 'malformed JSON', first: ['{'], closes: [4400] },
  { name: 'an unknown type', first: [init], reply: afterAck({ type: 'unknown' }), closes: [4400] },
  {
    name: 'one id for two subscriptions',
    first: [init],
    reply: afterAck(subscribe('s', subscription), subscribe('s', subscription)),
    closes: [4409],
  },
  { name: 'no init in time', first: [], closes: [4408] },
  { name: 'an unknown sub-protocol', protocol: 'graphql-unknown', first: [init], closes: [4406], mayRefuse: true },
];

const probe = ({ name, protocol = 'graphql-transport-ws', first, reply, matches, closes = [], mayRefuse }) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url, protocol);
    const send = (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    const end = (passed, observed) => {
      clearTimeout(timer);
      socket.terminate();
      resolve({ name, passed, observed });
    };
    const timer = setTimeout(() => end(false, 'nothing'), TIMEOUT_MS);
    socket.on('open', () => first.forEach(send));
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (matches?.(message)) end(true, message.type);
      else if (message.type === 'error' && !matches) end(false, JSON.stringify(message));
      else reply?.(message, send);
    });
    socket.on('close', (code) => end(closes.includes(code), code));
    socket.on('error', (error) => end(Boolean(mayRefuse), error.message));
  });

const results = await Promise.all(probes.map(probe));
for (const { name, passed, observed } of results) if (!passed) console.log(`failed: ${name}: observed ${observed}`);
console.log(`${results.filter(({ passed }) => passed).length} of ${results.length}`);
