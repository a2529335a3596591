// How a server of graphql-transport-ws must answer, message by message and close code by close code:
// node probes.mjs ws://127.0.0.1:PORT/graphql AUTHORIZATION SUBSCRIPTION
import WebSocket from 'ws';

const [url, authorization, subscription] = process.argv.slice(2);
const PATIENCE = 20_000;
const init = { type: 'connection_init', payload: { authorization } };
const subscribe = (id, query) => ({ type: 'subscribe', id, payload: { query } });
const afterAck = (...messages) => (message, send) => {
  if (message.type === 'connection_ack') messages.forEach(send);
};

// Each: what is sent at once, what is sent in answer, and whether a message or a close code is the right end.
const probes = [
  { name: 'an init is acknowledged', first: [init], wants: (m) => m.type === 'connection_ack' },
  { name: 'a ping is answered', first: [init], then: afterAck({ type: 'ping' }), wants: (m) => m.type === 'pong' },
  { name: 'a query is answered', first: [init], then: afterAck(subscribe('q', '{ __typename }')), wants: (m) => m.type === 'next' && m.id === 'q' },
  { name: 'a wrong document is an error of its operation', first: [init], then: afterAck(subscribe('w', '{ nothing }')), wants: (m) => m.type === 'error' && m.id === 'w' },
  { name: 'a subscription before the acknowledgement', first: [subscribe('s', '{ __typename }')], closes: [4401] },
  { name: 'a second init', first: [init, init], closes: [4429] },
  { name: 'no JSON', first: ['{'], closes: [4400] },
  { name: 'an unknown type', first: [init], then: afterAck({ type: 'greetings' }), closes: [4400] },
  { name: 'one id for two subscriptions', first: [init], then: afterAck(subscribe('s', subscription), subscribe('s', subscription)), closes: [4409] },
  { name: 'no init in time', first: [], closes: [4408] },
  { name: 'an unknown sub-protocol', protocol: 'graphql-telegraph', first: [init], closes: [4406], mayRefuse: true },
];

const probe = ({ name, protocol = 'graphql-transport-ws', first, then, wants, closes = [], mayRefuse }) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url, protocol);
    const send = (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    const end = (ok, saw) => {
      clearTimeout(timer);
      socket.terminate();
      resolve({ name, ok, saw });
    };
    const timer = setTimeout(() => end(false, 'nothing'), PATIENCE);
    socket.on('open', () => first.forEach(send));
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (wants?.(message)) end(true, message.type);
      else if (message.type === 'error' && !wants) end(false, JSON.stringify(message));
      else then?.(message, send);
    });
    socket.on('close', (code) => end(closes.includes(code), code));
    socket.on('error', (error) => end(Boolean(mayRefuse), error.message));
  });

const results = await Promise.all(probes.map(probe));
for (const { name, ok, saw } of results) if (!ok) console.log(`failed: ${name}: saw ${saw}`);
console.log(`${results.filter(({ ok }) => ok).length} of ${results.length}`);
